"""DeepLabV3+ on ResNet-101, its trunk from a finished run of the same network.

Source: deeplab_depth, sections 4 and 5.
Reading: a stand-in for machines without ImageNet weights: a trunk trained on the data set at hand takes their place.
All of its blocks are loaded, the decoder starts anew; the fair opponent of the deeper networks' stand-ins.
Claims: D02, D04, D07, D08.

Command: python bench/run_all.py --only deeplab_depth/resnet101__stand_in
"""

_base_ = ['resnet101.py']

protocol = dict(
    weights=None,
    start=[dict(parent='deeplab_depth/resnet101', of='backbone.', into='backbone.')])
