"""SegNetwork with SGD in place of Adam.

Source: kitti_ablation, section 2, table 1.
Reading: neither rate nor momentum is stated; the baseline's rate and no momentum, as if only the class were swapped,
which a score of 2 % agrees with.
Claims: K01.

Command: python bench/run_all.py --only kitti_ablation/optimizer_sgd
"""

_base_ = [
    '../_base_/models/segnetwork.py',
    '../_base_/schedules/kitti_ablation.py',
    '../_base_/protocols/kitti_ablation.py',
]

optimizer = dict(_delete_=True, type='SGD', lr=3e-4)
