"""Attention between scales 0.5, 1 and 2: separately trained stages joined, then tuned one at a time.

Source: hierarchical_attention, "Training the Main Models" and "Some Points about the Training".
Readings: those of two_stage. The highest scale has no attention; five epochs leave the lowest scale one turn where the
others have two.
Claims: H03, H04, H05, H17, H18.

Command: python bench/run_all.py --only hierarchical_attention/three_stage
"""

_base_ = ['two_stage.py']

model = dict(scales=(0.5, 1.0, 2.0))
protocol = dict(
    start=[
        dict(parent='hierarchical_attention/initial_mobilenetv2_scale_2'),
        dict(parent='hierarchical_attention/initial_mobilenetv2_scale_1', into='lower_stages.scale_1.'),
        dict(parent='hierarchical_attention/initial_mobilenetv2_scale_0_5', into='lower_stages.scale_0_5.'),
    ],
    stages=[
        dict(name='attention', epochs=5, lr=5e-4, turns=[['trunk', 'segmentation']]),
        dict(
            name='one_stage_an_epoch', epochs=5, lr=1e-4, turn_epochs=1,
            turns=[
                ['attention', 'scale_1/*', 'scale_0_5/*'],
                ['attention', 'scale_2/*', 'scale_0_5/*'],
                ['attention', 'scale_2/*', 'scale_1/*'],
            ]),
    ])
