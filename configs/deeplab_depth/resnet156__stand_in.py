"""DeepLabV3+ on the layout of ResNet-152, its trunk by name from a finished ResNet-101: 17 blocks stay random.

Source: deeplab_depth, sections 4 and 5.
Reading: a stand-in for machines without ImageNet weights: a trunk trained on the data set at hand takes their place,
and fits by name exactly where they would.
Claims: D02, D04, D07, D08.

Command: python bench/run_all.py --only deeplab_depth/resnet156__stand_in
"""

_base_ = ['resnet156.py']

protocol = dict(
    weights=None,
    start=[dict(parent='deeplab_depth/resnet101', of='backbone.', into='backbone.')])
