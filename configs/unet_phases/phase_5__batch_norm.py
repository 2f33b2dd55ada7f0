"""Phase 5 with batch normalisation alone.

Source: unet_phases, section II.5.
Reading: ours; no dropout, no weight decay.
Claims: V08.

Command: python bench/run_all.py --only unet_phases/phase_5__batch_norm
"""

_base_ = ['phase_5.py']

model = dict(backbone=dict(dropout=0.0))
optimizer = dict(weight_decay=0.0)
