"""DeepLabV3 on ResNet-101, at the rate before its adjustment, for more epochs.

Source: kitti_ablation, section 3.5, table 5.
Reading: the baseline's rate and 500 epochs, of the 500 and 1000 that table 1 has; neither is stated.
Claims: K22, K23.

Command: python bench/run_all.py --only kitti_ablation/deeplabv3_r101_first_lr_long
"""

_base_ = [
    '../_base_/models/deeplabv3_resnet.py',
    '../_base_/schedules/kitti_ablation.py',
    '../_base_/protocols/kitti_ablation.py',
]

model = dict(backbone=dict(depth=101))
protocol = dict(
    # "Increased", not said to what; of the 500 and 1000 of table 1, the smaller.
    epochs=500,
    stride=8,
    # Not stated; a counted auxiliary head is what the library builds for pretrained models.
    weights='resnet101-imagenet',
    cost=dict(count_auxiliary=True))
