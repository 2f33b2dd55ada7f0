"""Phase 7.1 with the augmentation of phase 7.4, widths and batch kept.

Source: unet_phases, section II.11.
Reading: what the text says phase 7.4 is; its printed widths say otherwise.
Claims: V24.

Command: python bench/run_all.py --only unet_phases/phase_7_1__augmented
"""

_base_ = ['phase_7_1.py']

protocol = dict(
    augment=[
        dict(type='ReflectRotate', max_degrees=40.0, prob=0.9),
        dict(type='RandomFlip', prob=0.5, direction='horizontal'),
        dict(type='RGBShift', limits=(25, 25, 25), prob=0.9),
        dict(
            type='RandomChoice',
            transforms=[
                [dict(type='RandomBoxBlur', max_kernel=3)],
                [dict(type='ColourJitter', brightness=0.2, contrast=0.2, saturation=0.2, hue=0.2)],
            ]),
    ])
