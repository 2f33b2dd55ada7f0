"""Phase 3 on five crops an image, normalised.

Source: unet_phases, section II.4.
Readings: five crops an image, four corners and the centre, drawn as they are needed instead of being written once; an
image smaller than the crop is padded with black that is ignored.
Departure: the normalisation is ImageNet's, since the source does not print its own.
Claims: V07, V08.

Command: python bench/run_all.py --only unet_phases/phase_4
"""

_base_ = [
    '../_base_/models/phase_unet_wide_normalised.py',
    '../_base_/schedules/unet_phases.py',
    '../_base_/protocols/unet_phases_crops.py',
]

model = dict(backbone=dict(order='conv_first'))
