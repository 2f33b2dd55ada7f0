"""First stage at scale 1 with a ResNet-101 trunk, which the report tried and gives no number of.

Source: hierarchical_attention, "Trunk"; layers from the report's program.
Readings: epochs and batch are not stated; those of the ResNet-50 row.
Claims: H01.

Command: python bench/run_all.py --only hierarchical_attention/initial_resnet101_scale_1
"""

_base_ = ['initial_resnet50_scale_1.py']

model = dict(backbone=dict(depth=101))
protocol = dict(weights='resnet101-imagenet')
