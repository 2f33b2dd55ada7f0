"""SegNetwork, the rate lowered every ten epochs to 0.7 of what it was.

Source: kitti_ablation, section 2, figures 1 and 2.
Reading: the factor is not stated; this is the steep end of a grid around the .9 of kitti_ablation/lr_step_decay.
Claims: K03.

Command: python bench/run_all.py --only kitti_ablation/lr_step_decay__gamma_0_7
"""

_base_ = [
    '../_base_/models/segnetwork.py',
    '../_base_/schedules/kitti_ablation.py',
    '../_base_/protocols/kitti_ablation.py',
]

protocol = dict(schedule=[dict(kind='step', every_epochs=10, gamma=0.7)])
