"""A U-Net of about the same size with a ResNet-34 encoder, from random weights.

Source: unet_phases, section III.1.
Reading: ours; the control of phase_7_4__imagenet_encoder.
Claims: V30.

Command: python bench/run_all.py --only unet_phases/phase_7_4__resnet_encoder
"""

_base_ = ['phase_7_4.py']

model = dict(backbone=dict(_delete_=True, type='ResNetUNet', depth=34, num_classes=10))
