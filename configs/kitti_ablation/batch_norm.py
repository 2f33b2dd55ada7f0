"""SegNetwork with batch normalisation.

Source: kitti_ablation, section 2, tables 1 and 2.
Reading: "between convolutional layers and pooling layers" is convolution, BN, ReLU(, pooling) in the four pooled
stages; the unpooled classifier gets none.
Claims: K07, K08, K09, K32.

Command: python bench/run_all.py --only kitti_ablation/batch_norm
"""

_base_ = [
    '../_base_/models/segnetwork.py',
    '../_base_/schedules/kitti_ablation.py',
    '../_base_/protocols/kitti_ablation.py',
]

model = dict(backbone=dict(batch_norm=True))
