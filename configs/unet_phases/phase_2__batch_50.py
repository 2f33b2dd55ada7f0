"""Phase 2 with the batch of phase 3: the first of the three things that changed at once.

Source: unet_phases, sections II.2 and II.3.
Reading: ours; with phase_3_bilinear (depth) and phase_3 (learned upsampling) it makes a chain of single changes.
Claims: V03.

Command: python bench/run_all.py --only unet_phases/phase_2__batch_50
"""

_base_ = ['phase_2.py']

protocol = dict(batch_size=50)
