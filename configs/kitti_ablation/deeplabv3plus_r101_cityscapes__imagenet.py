"""DeepLabV3+ on ResNet-101 at stride 16, without the transfer from Cityscapes.

Source: kitti_ablation, section 3.6 and 4, table 3.
Reading: a control that the source lacks: the network that it transferred, from an ImageNet trunk, trained like the
baseline. It costs what the source credits to the transfer: that is the stride's doing.
Claims: K27, K28.

Command: python bench/run_all.py --only kitti_ablation/deeplabv3plus_r101_cityscapes__imagenet
"""

_base_ = [
    '../_base_/models/deeplabv3plus_resnet.py',
    '../_base_/schedules/kitti_ablation.py',
    '../_base_/protocols/kitti_ablation.py',
]

model = dict(
    # As every image of this report is read: BGR kept, RGB statistics.
    data_preprocessor=dict(bgr_to_rgb=False),
    backbone=dict(depth=101, strides=(1, 2, 2, 1), dilations=(1, 1, 1, 2)),
    decode_head=dict(dilations=(1, 6, 12, 18)))
protocol = dict(weights='resnet101-imagenet')
