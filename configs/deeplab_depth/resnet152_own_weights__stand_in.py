"""DeepLabV3+ on ResNet-152, its trunk from a finished run of the same network.

Source: deeplab_depth, sections 4 and 5.
Reading: a stand-in for machines without ImageNet weights: as deep as the network that the report calls ResNet-156,
and no block of it random.
Claims: D02, D07, D08.

Command: python bench/run_all.py --only deeplab_depth/resnet152_own_weights__stand_in
"""

_base_ = ['resnet152_own_weights.py']

protocol = dict(
    weights=None,
    start=[dict(parent='deeplab_depth/resnet152_own_weights', of='backbone.', into='backbone.')])
