"""Phase 4 for as many steps as phase 3: a fifth of the epochs over five times the samples.

Source: unet_phases, section II.4.
Reading: ours; phase 4 has five times the steps of phase 3 at equal epochs, which alone may explain a gain.
Claims: V07.

Command: python bench/run_all.py --only unet_phases/phase_4__equal_steps
"""

_base_ = ['phase_4.py']

protocol = dict(epochs=20)
