"""The reference network, trained at the largest size for the multiply-adds that the three sizes take together.

Source: squeeze_edge, "Training".
Reading: a control that the source lacks: ten epochs at a quarter, a half and the whole size cost what 13.1 epochs at
the whole size do.
Claims: S07.

Command: python bench/run_all.py --only squeeze_edge/vanilla__direct_equal_cost
"""

_base_ = ['vanilla.py']

protocol = dict(epochs=13.1, stages=[dict(name='size_3', epochs=13.1)])
