"""The two-scale network with one trunk for both scales, as in the method's source.

Source: hierarchical_attention, "Our Hierarchical Method".
Reading: the text describes a shared trunk, the program trains one for each scale. Only a shared one takes scales that
it was not trained on. It starts from the initial stage at scale 1; its second step has one turn, the whole of it.
Claims: H12.

Command: python bench/run_all.py --only hierarchical_attention/two_stage__shared_trunk
"""

_base_ = ['two_stage.py']

model = dict(shared_trunk=True)
protocol = dict(
    start=[dict(parent='hierarchical_attention/initial_mobilenetv2_scale_1')],
    stages=[
        dict(name='attention', epochs=5, lr=5e-4, turns=[['trunk', 'segmentation']]),
        dict(name='without_attention', epochs=5, lr=1e-4, turns=[['attention']]),
    ])
