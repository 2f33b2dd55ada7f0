"""Phase 7.4 with a batch of 55.

Source: unet_phases, section II.12.
Reading: the steps from 40 to 60 are not stated; five each.
Claims: V27.

Command: python bench/run_all.py --only unet_phases/phase_7_6__batch_55
"""

_base_ = ['phase_7_4.py']

protocol = dict(batch_size=55)
