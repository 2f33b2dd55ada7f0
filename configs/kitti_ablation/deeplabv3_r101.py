"""DeepLabV3 on ResNet-101, at an adjusted rate: the best of the source without transfer.

Source: kitti_ablation, section 3.4 and 3.5, tables 3 to 6.
Reading: torchvision layout, recognised by the documented cost, which counts the auxiliary head too.
Its score is that of table 5's row with the rate adjusted and the epochs left; 1e-4 is our guess at the rate.
Claims: K20, K22, K23, K24, K27, K28, K30, K31, K33.

Command: python bench/run_all.py --only kitti_ablation/deeplabv3_r101
"""

_base_ = [
    '../_base_/models/deeplabv3_resnet.py',
    '../_base_/schedules/kitti_ablation.py',
    '../_base_/protocols/kitti_ablation.py',
]

model = dict(backbone=dict(depth=101))
# "Adjusted", not said to what: the next lower rate of table 1.
optimizer = dict(lr=1e-4)
protocol = dict(
    stride=8,
    # Not stated; a counted auxiliary head is what the library builds for pretrained models.
    weights='resnet101-imagenet',
    cost=dict(count_auxiliary=True))
