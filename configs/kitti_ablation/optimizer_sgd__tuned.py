"""SegNetwork with SGD at a rate of its own: the fair opponent of Adam.

Source: kitti_ablation, section 2, table 1.
Reading: a control that the source lacks. Momentum .9 and a rate of 1e-2, the middle of a sweep in decades; the arms
at 1e-3 and 1e-1 are its ends, and the best of the three stands for SGD.
Claims: K01.

Command: python bench/run_all.py --only kitti_ablation/optimizer_sgd__tuned
"""

_base_ = [
    '../_base_/models/segnetwork.py',
    '../_base_/schedules/kitti_ablation.py',
    '../_base_/protocols/kitti_ablation.py',
]

optimizer = dict(_delete_=True, type='SGD', lr=1e-2, momentum=0.9)
