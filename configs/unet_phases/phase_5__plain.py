"""Phase 5 with none of the three: phase 4 in the order of layers that phase 5 brought.

Source: unet_phases, section II.5.
Reading: ours; separates the new order of the decoder from the regularisation.
Claims: V08.

Command: python bench/run_all.py --only unet_phases/phase_5__plain
"""

_base_ = ['phase_5.py']

model = dict(backbone=dict(batch_norm=False, dropout=0.0))
optimizer = dict(weight_decay=0.0)
