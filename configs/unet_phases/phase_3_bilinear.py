"""Six blocks down and six up, still upsampled bilinearly: the trials before phase 3.

Source: unet_phases, section II.3.
Reading: phase 3 but for the upsampling; the text mentions these trials in half a sentence.
Claims: V03, V04.

Command: python bench/run_all.py --only unet_phases/phase_3_bilinear
"""

_base_ = [
    '../_base_/models/phase_unet_wide.py',
    '../_base_/schedules/unet_phases.py',
    '../_base_/protocols/unet_phases_flips.py',
]

model = dict(backbone=dict(upsampling='bilinear', order='conv_first'))
