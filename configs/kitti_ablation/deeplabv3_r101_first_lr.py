"""DeepLabV3 on ResNet-101, at the rate before its adjustment.

Source: kitti_ablation, section 3.5, table 5.
Reading: rate and epochs are those of the baseline, which the source does not say; network as in
kitti_ablation/deeplabv3_r101.
Claims: K22, K23.

Command: python bench/run_all.py --only kitti_ablation/deeplabv3_r101_first_lr
"""

_base_ = [
    '../_base_/models/deeplabv3_resnet.py',
    '../_base_/schedules/kitti_ablation.py',
    '../_base_/protocols/kitti_ablation.py',
]

model = dict(backbone=dict(depth=101))
protocol = dict(
    stride=8,
    # Not stated; a counted auxiliary head is what the library builds for pretrained models.
    weights='resnet101-imagenet',
    cost=dict(count_auxiliary=True))
