"""Attention between scales 0.5 and 1: separately trained stages joined, then tuned one at a time.

Source: hierarchical_attention, "Training the Main Models", "Some Points about the Training"; layers from the program.
Readings: cross entropy on logits; batch norm after the attention's last layer too, then a sigmoid; batch 6 as in the
program; weight decay as for the initial stages; the stages take turns from the highest scale; hard labels without a
threshold for the images without labels.
Departure: what is frozen keeps its batch statistics too; in the program they went on moving.
Claims: H02, H03, H04, H05, H10, H11, H12, H13, H16, H17, H18.

Command: python bench/run_all.py --only hierarchical_attention/two_stage
"""

_base_ = [
    '../_base_/models/hierarchical_attention_mobilenetv2.py',
    '../_base_/schedules/hierarchical_attention.py',
    '../_base_/protocols/hierarchical_attention_main.py',
]

protocol = dict(
    start=[
        dict(parent='hierarchical_attention/initial_mobilenetv2_scale_1'),
        dict(parent='hierarchical_attention/initial_mobilenetv2_scale_0_5', into='lower_stages.scale_0_5.'),
    ],
    stages=[
        dict(name='attention', epochs=5, lr=5e-4, turns=[['trunk', 'segmentation']]),
        dict(
            name='one_stage_an_epoch', epochs=5, lr=1e-4, turn_epochs=1,
            turns=[['attention', 'scale_0_5/*'], ['attention', 'scale_1/*']]),
    ])
