"""The reference network on the 19 official classes, for comparison with numbers from elsewhere.

Source: squeeze_edge, "Results".
Reading: a control that the source lacks: its 29 classes are colours of the label pictures, with "neutral" among them.
Claims: S01.

Command: python bench/run_all.py --only squeeze_edge/vanilla__classes_19
"""

_base_ = ['vanilla.py']

model = dict(backbone=dict(num_classes=19), decode_head=dict(num_classes=19))
protocol = dict(dataset='cityscapes19', num_classes=19)
