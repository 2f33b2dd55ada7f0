"""Phase 6 without dropout and without weight decay.

Source: unet_phases, section II.7.
Reading: nothing is left open beyond phase 6.
Claims: V13, V14, V15.

Command: python bench/run_all.py --only unet_phases/phase_6_1
"""

_base_ = [
    '../_base_/models/phase_unet_wide_normalised.py',
    '../_base_/schedules/unet_phases.py',
    '../_base_/protocols/unet_phases_crops.py',
]

model = dict(backbone=dict(encoder_convs=2, batch_norm=True))
