"""DeepLabV3+ on ResNet-101 at stride 16, from random weights.

Source: kitti_ablation, section 3.6 and 4, table 3.
Reading: a control that the source lacks: the transferred network and its training without anything transferred.
Claims: K27.

Command: python bench/run_all.py --only kitti_ablation/deeplabv3plus_r101_cityscapes__scratch
"""

_base_ = ['deeplabv3plus_r101_cityscapes.py']

protocol = dict(weights=None)
