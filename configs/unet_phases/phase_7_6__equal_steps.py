"""Phase 7.4 with a batch of 60 and as many steps as with 40.

Source: unet_phases, section II.12.
Reading: ours; at equal epochs the larger batch takes a third fewer steps.
Claims: V27.

Command: python bench/run_all.py --only unet_phases/phase_7_6__equal_steps
"""

_base_ = ['phase_7_4.py']

protocol = dict(batch_size=60, epochs=150)
