"""Phase 7.1 with a residual connection around every encoder block.

Source: unet_phases, section II.9.
Reading: a block changes the number of channels, so its input passes a 1x1 convolution before it is added.
Claims: V18, V19, V20, V21, V29.

Command: python bench/run_all.py --only unet_phases/phase_8
"""

_base_ = [
    '../_base_/models/phase_unet_wide_normalised.py',
    '../_base_/schedules/unet_phases.py',
    '../_base_/protocols/unet_phases_crops.py',
]

model = dict(backbone=dict(encoder_convs=2, batch_norm=True, skips=True, residual=True))
