"""Six blocks down and six up, upsampled by transposed convolutions.

Source: unet_phases, section II.3.
Readings: the printed list of widths is one short of twelve blocks; reading A repeats 2430 once more (the other is
phase_3__reading_b). Transposed convolutions of kernel 2 and stride 2, as in the U-Net that the report cites, after
the convolution of each stage, where the bilinear layers stood.
Claims: V03, V04, V05, V06, V07.

Command: python bench/run_all.py --only unet_phases/phase_3
"""

_base_ = [
    '../_base_/models/phase_unet_wide.py',
    '../_base_/schedules/unet_phases.py',
    '../_base_/protocols/unet_phases_flips.py',
]

model = dict(backbone=dict(order='conv_first'))
