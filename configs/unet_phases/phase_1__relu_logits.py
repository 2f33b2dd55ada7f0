"""Phase 1 with its formula taken literally: a ReLU after the last convolution too.

Source: unet_phases, section II.1.
Reading: as printed, so that no logit can be negative; everything else is phase 1.
Claims: V01.

Command: python bench/run_all.py --only unet_phases/phase_1__relu_logits
"""

_base_ = ['phase_1.py']

model = dict(backbone=dict(clip_logits=True))
