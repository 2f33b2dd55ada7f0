"""Phase 6.1 with skip connections: phase 7 without weight decay.

Source: unet_phases, section II.8.
Reading: as phase 7. A weight decay of 1e-8 is too weak to explain the gap that the report shows between the two: only
seeds can tell.
Claims: V15, V16, V17, V18, V23, V24.

Command: python bench/run_all.py --only unet_phases/phase_7_1
"""

_base_ = [
    '../_base_/models/phase_unet_wide_normalised.py',
    '../_base_/schedules/unet_phases.py',
    '../_base_/protocols/unet_phases_crops.py',
]

model = dict(backbone=dict(encoder_convs=2, batch_norm=True, skips=True))
