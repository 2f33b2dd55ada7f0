"""UPerNet on ResNet-101.

Source: kitti_ablation, section 3.3, tables 3, 4 and 6.
Reading: the toolbox's UPerHead (512 channels) on a plain stride-32 ResNet; no auxiliary head is mentioned.
Cost: 913.1 GFLOPs here against 752.64 documented, a figure that no known program reproduces: with 256-wide pyramid
levels at stride 16, depth 101 costs 662.1 and depth 152 costs 732.7; this head is 512 wide.
Claims: K19, K20, K30, K31.

Command: python bench/run_all.py --only kitti_ablation/upernet_r101
"""

_base_ = [
    '../_base_/models/upernet_resnet.py',
    '../_base_/schedules/kitti_ablation.py',
    '../_base_/protocols/kitti_ablation.py',
]

model = dict(backbone=dict(depth=101))
protocol = dict(
    stride=32,
    # Not stated; the source's other ResNet models were probably pretrained.
    weights='resnet101-imagenet')
