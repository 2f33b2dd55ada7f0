"""The six-stage PhaseUNet of phases 3 to 9: widths times three a block, up to 2430, and back."""

_base_ = ['phase_unet.py']

model = dict(
    backbone=dict(encoder=(30, 90, 270, 810, 2430, 2430), decoder=(2430, 810, 270, 90, 30)))
