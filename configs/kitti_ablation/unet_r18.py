"""U-Net on ResNet-18.

Source: kitti_ablation, section 3.2, tables 3, 4 and 6.
Reading: the usual pairing, with five decoder stages of 256 to 16 channels, from random weights at the baseline's rate.
Cost: 81.4 GFLOPs here against 615.83 documented, which no known U-Net on this trunk reaches (80 to 340): such a cost
takes convolutions of many channels at full resolution.
Claims: K13, K14, K17, K20, K30, K31.

Command: python bench/run_all.py --only kitti_ablation/unet_r18
"""

_base_ = [
    '../_base_/models/unet_resnet.py',
    '../_base_/schedules/kitti_ablation.py',
    '../_base_/protocols/kitti_ablation.py',
]

protocol = dict(stride=32)
