"""Phase 5 with a weight decay of 1e-4.

Source: unet_phases, section II.5.
Reading: the sweep went down by factors of ten at a dropout of .5; the report re-tuned the two together.
Claims: V09.

Command: python bench/run_all.py --only unet_phases/phase_5_wd_1e_4
"""

_base_ = ['phase_5.py']

optimizer = dict(weight_decay=1e-4)
