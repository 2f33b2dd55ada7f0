"""FCN on ResNet-101.

Source: kitti_ablation, section 3.1, tables 3, 4 and 6.
Reading: torchvision layout, recognised by the documented cost, which counts the auxiliary head too.
Claims: K10, K11, K12, K15, K16, K17, K20, K24, K30, K31.

Command: python bench/run_all.py --only kitti_ablation/fcn_r101
"""

_base_ = [
    '../_base_/models/fcn_resnet.py',
    '../_base_/schedules/kitti_ablation.py',
    '../_base_/protocols/kitti_ablation.py',
]

model = dict(backbone=dict(depth=101))
protocol = dict(
    stride=8,
    # Not stated; a counted auxiliary head is what the library builds for pretrained models.
    weights='resnet101-imagenet',
    cost=dict(count_auxiliary=True))
