"""Phase 7.4 with the augmentation of the phases before it.

Source: unet_phases, section II.11.
Reading: ours; separates the augmentation from the widths, which changed together.
Claims: V24.

Command: python bench/run_all.py --only unet_phases/phase_7_4__flips_and_sharpness
"""

_base_ = ['phase_7_4.py']

protocol = dict(
    augment=[
        dict(type='RandomSharpness', factor=2.0, prob=0.5),
        dict(type='RandomFlip', prob=0.5, direction='horizontal'),
    ])
