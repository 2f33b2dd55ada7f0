"""Phase 6 with a higher dropout.

Source: unet_phases, section II.6.
Reading: "higher" has no value; .7, the highest that phase 5 tried.
Claims: V12.

Command: python bench/run_all.py --only unet_phases/phase_6_reg__dropout_0_7
"""

_base_ = ['phase_6.py']

model = dict(backbone=dict(dropout=0.7))
