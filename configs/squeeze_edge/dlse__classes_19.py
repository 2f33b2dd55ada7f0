"""The gated network on the 19 official classes.

Source: squeeze_edge, "Results".
Reading: a control that the source lacks: whether gates cost accuracy may hang on the classes that are scored.
Claims: S01.

Command: python bench/run_all.py --only squeeze_edge/dlse__classes_19
"""

_base_ = ['vanilla__classes_19.py']

model = dict(backbone=dict(excitation=dict()))
