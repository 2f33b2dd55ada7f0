"""SegNetwork at a third of the rate.

Source: kitti_ablation, section 2, table 1.
Reading: one of the four rates that the table prints, of a range from 1 to 1e-6; the rest as in the baseline.
Claims: K04.

Command: python bench/run_all.py --only kitti_ablation/lr_1e_4
"""

_base_ = [
    '../_base_/models/segnetwork.py',
    '../_base_/schedules/kitti_ablation.py',
    '../_base_/protocols/kitti_ablation.py',
]

optimizer = dict(lr=1e-4)
