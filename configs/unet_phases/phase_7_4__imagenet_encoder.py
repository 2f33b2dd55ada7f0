"""A U-Net whose ResNet-34 encoder starts from ImageNet: what the report expects to help greatly.

Source: unet_phases, section III.1.
Reading: the report names no encoder; ResNet-34 has 24 million parameters in all, against 31. Its weights are looked up
by name; without them the run starts at random, and says so.
Claims: V30.

Command: python bench/run_all.py --only unet_phases/phase_7_4__imagenet_encoder
"""

_base_ = ['phase_7_4__resnet_encoder.py']

protocol = dict(weights='resnet34-imagenet')
