"""The same six stages on images normalised by mean and standard deviation, from phase 4 on."""

_base_ = ['phase_unet_wide.py']

model = dict(
    # The source normalises by statistics of its own crops, which it does not print: those of ImageNet stand in.
    data_preprocessor=dict(mean=[123.675, 116.28, 103.53], std=[58.395, 57.12, 57.375]))
