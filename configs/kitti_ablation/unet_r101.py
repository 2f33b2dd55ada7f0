"""U-Net on ResNet-101.

Source: kitti_ablation, section 3.2, tables 3, 4 and 6.
Reading: the same decoder as on ResNet-18, so that only the depth differs; from random weights at the baseline's rate.
Cost: 228.9 GFLOPs here against 767.33 documented; the nearest known, 782, has a trunk dilated to stride 8.
Claims: K13, K14, K15, K16, K17, K20, K30, K31, K33.

Command: python bench/run_all.py --only kitti_ablation/unet_r101
"""

_base_ = [
    '../_base_/models/unet_resnet.py',
    '../_base_/schedules/kitti_ablation.py',
    '../_base_/protocols/kitti_ablation.py',
]

model = dict(backbone=dict(depth=101))
protocol = dict(stride=32)
