"""The two-scale network trained on labelled images alone.

Source: hierarchical_attention, "Semi-supervised learning".
Reading: a control that the source lacks. Equal epochs: without the added images they are fewer steps.
Claims: H13.

Command: python bench/run_all.py --only hierarchical_attention/auto_label__without
"""

_base_ = ['two_stage.py']

protocol = dict(auto_label=None)
