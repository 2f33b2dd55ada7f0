"""The gated network with a softmax over the channels and no gate scaled.

Source: squeeze_edge, "DLSE-SF"; the report's program.
Reading: as coded: the program compares tensors in a way that is never true in its framework, so that nothing is
scaled.
Claims: S02, S05.

Command: python bench/run_all.py --only squeeze_edge/dlse_sf__without_factor
"""

_base_ = ['dlse_sf.py']

model = dict(backbone=dict(excitation=dict(largest_factor=1.0)))
