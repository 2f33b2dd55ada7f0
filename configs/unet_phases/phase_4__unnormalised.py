"""Phase 4 without normalisation: the crops alone.

Source: unet_phases, section II.4.
Reading: ours; images are divided by 255, as in the phases before.
Claims: V07.

Command: python bench/run_all.py --only unet_phases/phase_4__unnormalised
"""

_base_ = ['phase_4.py']

model = dict(data_preprocessor=dict(mean=[0.0, 0.0, 0.0], std=[255.0, 255.0, 255.0]))
