"""Phase 5 with a second convolution in every encoder block.

Source: unet_phases, section II.6.
Reading: one convolution, BN, ReLU more in each encoder block; the one "after each transposed convolution" is that which
phase 5 has there already.
Claims: V11, V12, V13.

Command: python bench/run_all.py --only unet_phases/phase_6
"""

_base_ = [
    '../_base_/models/phase_unet_wide_normalised.py',
    '../_base_/schedules/unet_phases.py',
    '../_base_/protocols/unet_phases_crops.py',
]

model = dict(backbone=dict(encoder_convs=2, batch_norm=True, dropout=0.5))
optimizer = dict(weight_decay=1e-6)
