"""The report's final U-Net: six stages, two convolutions per encoder block, skips, geometric and colour augmentation.

Source: unet_phases, sections II.11 and III.5.
Readings: skips concatenated and taken before pooling; BN but no ReLU on the logits, since no 1x1 classifier follows;
five crops an image (four corners and the centre), drawn as they are needed instead of being written once.
Departure: the widths are those of the printed list, not those of phase 7.1 that the text calls the same model.
Claims: V24, V25, V26, V27, V28, V29, V30.

Command: python bench/run_all.py --only unet_phases/phase_7_4
"""

_base_ = [
    '../_base_/models/phase_unet.py',
    '../_base_/schedules/unet_phases.py',
    '../_base_/protocols/unet_phases.py',
]

model = dict(
    # The source normalises by statistics of its own crops, which it does not print: those of ImageNet stand in.
    data_preprocessor=dict(mean=[123.675, 116.28, 103.53], std=[58.395, 57.12, 57.375]),
    backbone=dict(
        stem=10, encoder=(32, 64, 128, 256, 512, 1024), decoder=(512, 256, 128, 64, 32),
        encoder_convs=2, batch_norm=True, skips=True))
protocol = dict(
    batch_size=40,
    samples_per_image=5,
    train_view=dict(how='five'),
    augment=[
        # The border is not given: reflection, as the text says why (no black pixels).
        dict(type='ReflectRotate', max_degrees=40.0, prob=0.9),
        dict(type='RandomFlip', prob=0.5, direction='horizontal'),
        dict(type='RGBShift', limits=(25, 25, 25), prob=0.9),
        dict(
            type='RandomChoice',
            # "Blur(2)" is not a kernel: the smallest one, 3x3. Jitter strengths: the library's defaults of that time.
            transforms=[
                [dict(type='RandomBoxBlur', max_kernel=3)],
                [dict(type='ColourJitter', brightness=0.2, contrast=0.2, saturation=0.2, hue=0.2)],
            ]),
    ])
