"""Scale 0.25 added in testing to a network that was trained on scales 0.5 and 1.

Source: hierarchical_attention, "Our Hierarchical Method".
Reading: the other scale that the text names, by itself.
Claims: H12.

Command: python bench/run_all.py --only hierarchical_attention/added_scales__scale_0_25
"""

_base_ = ['added_scales.py']

model = dict(test_cfg=dict(scales=(0.25, 0.5, 1.0)))
