"""Phase 7.5 without its schedule.

Source: unet_phases, section II.12.
Reading: ours; phase 7.4 for the 150 epochs of phase 7.5, so that the schedule is the only difference.
Claims: V26, V29.

Command: python bench/run_all.py --only unet_phases/phase_7_5__constant_rate
"""

_base_ = ['phase_7_4.py']

protocol = dict(epochs=150)
