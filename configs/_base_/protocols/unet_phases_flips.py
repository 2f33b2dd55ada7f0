"""Centre crops of 256, sharpened and mirrored at random: phases 2 and 3."""

_base_ = ['unet_phases.py']

protocol = dict(
    augment=[
        # Neither strength nor probability is stated: twice as sharp, for every second image.
        dict(type='RandomSharpness', factor=2.0, prob=0.5),
        dict(type='RandomFlip', prob=0.5, direction='horizontal'),
    ])
