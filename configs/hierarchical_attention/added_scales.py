"""Scale 2 added in testing to a network that was trained on scales 0.5 and 1.

Source: hierarchical_attention, "Our Hierarchical Method" and figure 6.
Reading: one trunk for each scale, as the report trained, leaves nothing to look at another scale with: the network with
a shared trunk is scored at one scale more and not trained again.
Claims: H12.

Command: python bench/run_all.py --only hierarchical_attention/added_scales
"""

_base_ = ['two_stage__shared_trunk.py']

model = dict(test_cfg=dict(scales=(0.5, 1.0, 2.0)))
protocol = dict(
    start=[dict(parent='hierarchical_attention/two_stage__shared_trunk')],
    stages=[],
    auto_label=None)
