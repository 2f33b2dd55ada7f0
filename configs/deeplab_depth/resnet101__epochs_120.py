"""DeepLabV3+ on ResNet-101, three times as long.

Source: deeplab_depth, section 5.4.
Reading: a control that the source lacks: the rate falls to zero at the end, so 40 epochs cannot simply be continued;
the whole schedule is stretched to 120.
Claims: D05.

Command: python bench/run_all.py --only deeplab_depth/resnet101__epochs_120
"""

_base_ = ['resnet101.py']

protocol = dict(epochs=120)
