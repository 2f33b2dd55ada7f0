"""Phase 6 with a higher weight decay.

Source: unet_phases, section II.6.
Reading: "higher" has no value; 1e-4, midway between 1e-6 and the 1e-2 that phase 5 started from.
Claims: V12.

Command: python bench/run_all.py --only unet_phases/phase_6_reg
"""

_base_ = ['phase_6.py']

optimizer = dict(weight_decay=1e-4)
