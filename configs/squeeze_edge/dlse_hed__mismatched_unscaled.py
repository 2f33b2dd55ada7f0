"""The gated network, trained with unscaled edges of the labels and tested with unscaled ones of the photograph.

Source: squeeze_edge, the report's program and its lists of files.
Reading: as coded, in both respects: the likeliest origin of the printed score.
Claims: S04.

Command: python bench/run_all.py --only squeeze_edge/dlse_hed__mismatched_unscaled
"""

_base_ = ['dlse_hed__mismatched.py']

model = dict(edge_scale=255.0)
