"""DeepLabV3 on ResNet-50.

Source: kitti_ablation, section 3.4, tables 3, 4 and 6.
Reading: torchvision layout, recognised by the documented cost, which counts the auxiliary head too.
Claims: K20, K24, K30, K31.

Command: python bench/run_all.py --only kitti_ablation/deeplabv3_r50
"""

_base_ = [
    '../_base_/models/deeplabv3_resnet.py',
    '../_base_/schedules/kitti_ablation.py',
    '../_base_/protocols/kitti_ablation.py',
]

protocol = dict(
    stride=8,
    # Not stated; a counted auxiliary head is what the library builds for pretrained models.
    weights='resnet50-imagenet',
    cost=dict(count_auxiliary=True))
