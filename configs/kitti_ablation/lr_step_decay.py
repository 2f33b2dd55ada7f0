"""SegNetwork, the rate lowered by a tenth every ten epochs.

Source: kitti_ablation, section 2, figures 1 and 2.
Reading: the interval is in figure 1, the factor nowhere; .9 leaves a sixth of the rate after 180 epochs. The starting
rate is taken to be the baseline's. No score is printed.
Claims: K02, K03.

Command: python bench/run_all.py --only kitti_ablation/lr_step_decay
"""

_base_ = [
    '../_base_/models/segnetwork.py',
    '../_base_/schedules/kitti_ablation.py',
    '../_base_/protocols/kitti_ablation.py',
]

protocol = dict(schedule=[dict(kind='step', every_epochs=10, gamma=0.9)])
