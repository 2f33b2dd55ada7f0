"""Phase 5 with dropout alone.

Source: unet_phases, section II.5.
Reading: ours; no batch normalisation, no weight decay.
Claims: V08.

Command: python bench/run_all.py --only unet_phases/phase_5__dropout
"""

_base_ = ['phase_5.py']

model = dict(backbone=dict(batch_norm=False))
optimizer = dict(weight_decay=0.0)
