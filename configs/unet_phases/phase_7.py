"""Phase 6.1 with skip connections and a weight decay of 1e-8.

Source: unet_phases, section II.8.
Reading: features taken before the pooling are concatenated, as in the U-Net that the report cites.
Claims: V14, V15, V16.

Command: python bench/run_all.py --only unet_phases/phase_7
"""

_base_ = [
    '../_base_/models/phase_unet_wide_normalised.py',
    '../_base_/schedules/unet_phases.py',
    '../_base_/protocols/unet_phases_crops.py',
]

model = dict(backbone=dict(encoder_convs=2, batch_norm=True, skips=True))
optimizer = dict(weight_decay=1e-8)
