"""Phase 3 trained for longer.

Source: unet_phases, section II.4.
Reading: "more epochs" and a training that wavers after about 200; 300 epochs.
Claims: V05.

Command: python bench/run_all.py --only unet_phases/phase_3_long
"""

_base_ = ['phase_3.py']

protocol = dict(epochs=300)
