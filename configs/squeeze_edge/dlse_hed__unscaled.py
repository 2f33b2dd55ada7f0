"""The gated network with the photograph's edge map left between 0 and 255 beside an image between 0 and 1.

Source: squeeze_edge, the report's program.
Reading: as coded, in this one respect.
Claims: S04.

Command: python bench/run_all.py --only squeeze_edge/dlse_hed__unscaled
"""

_base_ = ['dlse_hed.py']

model = dict(edge_scale=255.0)
