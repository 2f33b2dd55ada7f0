"""Phase 5 with a dropout of .4.

Source: unet_phases, section II.5.
Reading: at the weight decay of phase 5, although the report tuned it anew for each probability.
Claims: V10.

Command: python bench/run_all.py --only unet_phases/phase_5_dropout_0_4
"""

_base_ = ['phase_5.py']

model = dict(backbone=dict(dropout=0.4))
