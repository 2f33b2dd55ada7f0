"""DeepLabV3+ on what the report calls ResNet-156: the layout of ResNet-152, started from the weights of ResNet-101.

Source: deeplab_depth, sections 3 to 5; layers, training and initialisation from the report's public program.
Readings: [3, 8, 36, 3] blocks; ImageNet weights of a ResNet-101 are loaded by layer name, so that the 17 blocks which
that network lacks stay random. Otherwise as the row on ResNet-101.
Claims: D01, D02, D03, D04, D05, D06, D07, D08, D11.

Command: python bench/run_all.py --only deeplab_depth/resnet156
"""

_base_ = ['resnet101.py']

model = dict(backbone=dict(depth=152))
