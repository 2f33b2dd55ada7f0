"""Phase 3 with random rotation and random crops, drawn while training.

Source: unet_phases, section II.4.
Reading: neither angle nor probability is stated; up to 30 degrees, as for the images written beforehand, and always.
The corners that a rotation leaves empty are black and ignored.
Claims: V06.

Command: python bench/run_all.py --only unet_phases/phase_4_online
"""

_base_ = ['phase_3.py']

protocol = dict(
    train_view=dict(how='random'),
    augment=[
        dict(type='RandomRotate', prob=1.0, degree=30.0),
        dict(type='RandomSharpness', factor=2.0, prob=0.5),
        dict(type='RandomFlip', prob=0.5, direction='horizontal'),
    ])
