"""The reference network with squeeze and excitation in 13 of its 16 blocks.

Source: squeeze_edge, "Squeeze and Excitation Blocks", "Training" and "Results"; layers from the report's program.
Reading: reduction 16, gates before the addition, none in the dilated blocks; otherwise as the reference.
Claims: S01, S02, S03, S04, S05, S06, S08.

Command: python bench/run_all.py --only squeeze_edge/dlse
"""

_base_ = ['vanilla.py']

model = dict(backbone=dict(excitation=dict()))
