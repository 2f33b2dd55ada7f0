"""Five blocks down and five up: pooling, and bilinear upsampling after each decoder convolution.

Source: unet_phases, section II.2.
Readings: widths are not printed; those of the next phase less its sixth block. Upsampling aligns corners, as the layer
the report names does. The last convolution is followed by no ReLU. Sharpening: twice as sharp, every second image.
Claims: V02, V03.

Command: python bench/run_all.py --only unet_phases/phase_2
"""

_base_ = [
    '../_base_/models/phase_unet.py',
    '../_base_/schedules/unet_phases.py',
    '../_base_/protocols/unet_phases_flips.py',
]

model = dict(
    backbone=dict(
        encoder=(30, 90, 270, 810, 2430), decoder=(810, 270, 90, 30), upsampling='bilinear', order='conv_first'))
protocol = dict(batch_size=32)
