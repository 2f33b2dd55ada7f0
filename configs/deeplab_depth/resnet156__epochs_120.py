"""DeepLabV3+ on the layout of ResNet-152 with 17 random blocks, three times as long.

Source: deeplab_depth, section 5.4.
Reading: a control that the source lacks: it expects this network to overtake ResNet-101 with more epochs. The whole
schedule is stretched to 120.
Claims: D05.

Command: python bench/run_all.py --only deeplab_depth/resnet156__epochs_120
"""

_base_ = ['resnet156.py']

protocol = dict(epochs=120)
