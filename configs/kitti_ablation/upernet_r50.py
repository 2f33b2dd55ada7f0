"""UPerNet on ResNet-50.

Source: kitti_ablation, section 3.3, tables 3, 4 and 6.
Reading: the toolbox's UPerHead (512 channels) on a plain stride-32 ResNet; no auxiliary head is mentioned.
Cost: 842.2 GFLOPs here against 662.16 documented. That figure is matched to 0.01 % by a public program of the time
that built a ResNet-101 at stride 16 whatever trunk it was asked for, with 256-wide pyramid levels and 512 per pooled
branch; this head is 512 wide throughout, and the 3x3 that fuses its four levels at stride 4 alone costs 552.
Claims: K16, K17, K18, K19, K20, K30, K31.

Command: python bench/run_all.py --only kitti_ablation/upernet_r50
"""

_base_ = [
    '../_base_/models/upernet_resnet.py',
    '../_base_/schedules/kitti_ablation.py',
    '../_base_/protocols/kitti_ablation.py',
]

protocol = dict(
    stride=32,
    # Not stated; the source's other ResNet models were probably pretrained.
    weights='resnet50-imagenet')
