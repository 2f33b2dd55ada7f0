"""Phase 7.1 cut to four blocks down and four up.

Source: unet_phases, section II.10.
Reading: the first four widths are kept, which makes the network three times cheaper than phase 7.1; phase_7_3__wide
is the one that would be slower, as the report says.
Claims: V23.

Command: python bench/run_all.py --only unet_phases/phase_7_3
"""

_base_ = [
    '../_base_/models/phase_unet_wide_normalised.py',
    '../_base_/schedules/unet_phases.py',
    '../_base_/protocols/unet_phases_crops.py',
]

model = dict(
    backbone=dict(
        encoder=(30, 90, 270, 810), decoder=(270, 90, 30), encoder_convs=2, batch_norm=True, skips=True))
