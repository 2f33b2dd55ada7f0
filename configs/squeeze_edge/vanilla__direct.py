"""The reference network, trained at the largest size from the start.

Source: squeeze_edge, "Training".
Reading: a control that the source lacks: as many epochs as the three sizes have together, so each image is seen as
often, at two and a third times the multiply-adds.
Claims: S07.

Command: python bench/run_all.py --only squeeze_edge/vanilla__direct
"""

_base_ = ['vanilla.py']

protocol = dict(stages=[dict(name='size_3', epochs=30)])
