"""SegNetwork with more convolutions.

Source: kitti_ablation, section 2, table 1.
Reading: number, width and place of the added layers are not stated; one 3x3 of the same width in each of stages
2 to 4, so that every pooled stage has two.
Claims: K08.

Command: python bench/run_all.py --only kitti_ablation/extra_convs
"""

_base_ = [
    '../_base_/models/segnetwork.py',
    '../_base_/schedules/kitti_ablation.py',
    '../_base_/protocols/kitti_ablation.py',
]

model = dict(backbone=dict(extra_convs=True))
