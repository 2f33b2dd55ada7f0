"""UPerNet as the public program of the time built it: on ResNet-101 at stride 16, whatever trunk it was asked for.

Source: kitti_ablation, section 3.3, tables 3, 4 and 6; layers of the public program yassouali/pytorch-segmentation.
Reading: its cost is the one printed for UPerNet on ResNet-50, 662.14 GFLOPs counted here against 662.16. Beside trunk
and stride the decoder differs from kitti_ablation/upernet_r50, which is the toolbox's: 256 wide instead of 512.
Claims: K16, K17, K18, K19.

Command: python bench/run_all.py --only kitti_ablation/upernet_r50__r101_stride_16
"""

_base_ = [
    '../_base_/models/upernet_resnet.py',
    '../_base_/schedules/kitti_ablation.py',
    '../_base_/protocols/kitti_ablation.py',
]

model = dict(
    backbone=dict(depth=101, strides=(1, 2, 2, 1), dilations=(1, 1, 1, 2)),
    decode_head=dict(
        _delete_=True, type='PooledPyramidHead', in_channels=[256, 512, 1024, 2048], channels=256,
        num_classes=19, norm_cfg=dict(type='BN'), align_corners=False,
        loss_decode=dict(type='CrossEntropyLoss', avg_non_ignore=True)))
protocol = dict(
    stride=16,
    # Not stated; the source's other ResNet models were probably pretrained.
    weights='resnet101-imagenet')
