"""DeepLabV3+ on ResNet-152, started from weights of its own.

Source: deeplab_depth, sections 4 and 5.
Reading: a control that the source lacks: the deeper network without its random blocks. Only the weights differ from
the row that the report calls ResNet-156.
Claims: D02, D07, D08.

Command: python bench/run_all.py --only deeplab_depth/resnet152_own_weights
"""

_base_ = ['resnet156.py']

protocol = dict(weights='resnet152-imagenet')
