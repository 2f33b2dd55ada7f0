"""Attention between scales 0.5, 1 and 2, the first of two steps alone: only the attention is trained.

Source: hierarchical_attention, "Training the Main Models"; layers from the report's program.
Readings: those of two_stage; three_stage contains this step.
Claims: none; the first step of a row that has some.

Command: python bench/run_all.py --only hierarchical_attention/three_stage_attention
"""

_base_ = ['three_stage.py']

protocol = dict(
    epochs=5,
    stages=[dict(name='attention', epochs=5, lr=5e-4, turns=[['trunk', 'segmentation']])])
