"""UPerNet on ResNet-101 at stride 16: what the cost says the row labelled ResNet-50 was.

Source: kitti_ablation, section 3.3, tables 3, 4 and 6.
Reading: a public program of the time built this trunk whatever it was asked for, and its cost is the documented one
to 0.003 %. Trunk and stride differ from kitti_ablation/upernet_r50, nothing else does.
Cost: 1006.6 GFLOPs here against 662.16 documented: the toolbox's head is 512 wide throughout, the program's 256.
Claims: K16, K17, K18, K19.

Command: python bench/run_all.py --only kitti_ablation/upernet_r50__r101_stride_16
"""

_base_ = [
    '../_base_/models/upernet_resnet.py',
    '../_base_/schedules/kitti_ablation.py',
    '../_base_/protocols/kitti_ablation.py',
]

model = dict(backbone=dict(depth=101, strides=(1, 2, 2, 1), dilations=(1, 1, 1, 2), contract_dilation=True))
protocol = dict(
    stride=16,
    # Not stated; the source's other ResNet models were probably pretrained.
    weights='resnet101-imagenet')
