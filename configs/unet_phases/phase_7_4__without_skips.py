"""Phase 7.4 by its printed formula, which has no skips.

Source: unet_phases, section III.5.
Reading: literal; the text calls the model a U-Net and a descendant of phase 7.1, which has them.
Claims: V25.

Command: python bench/run_all.py --only unet_phases/phase_7_4__without_skips
"""

_base_ = ['phase_7_4.py']

model = dict(backbone=dict(skips=False))
