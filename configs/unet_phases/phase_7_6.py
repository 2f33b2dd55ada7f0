"""Phase 7.4 with a batch of 60.

Source: unet_phases, section II.12.
Reading: "from 40 step by step to 60" means separate trainings, of which this is the last; the others are arms.
Claims: V27.

Command: python bench/run_all.py --only unet_phases/phase_7_6
"""

_base_ = ['phase_7_4.py']

protocol = dict(batch_size=60)
