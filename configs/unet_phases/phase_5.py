"""Phase 4 with batch normalisation, dropout and weight decay.

Source: unet_phases, section II.5.
Readings: dropout .5 of single values, after the encoder and before the last convolution, since after the decoder it
would drop class scores. Weight decay 1e-6 is added to the gradient, as torch's Adam does. From here on a decoder
stage is transposed convolution, ReLU, convolution, the order of the final formula.
Claims: V08, V09, V10, V11.

Command: python bench/run_all.py --only unet_phases/phase_5
"""

_base_ = [
    '../_base_/models/phase_unet_wide_normalised.py',
    '../_base_/schedules/unet_phases.py',
    '../_base_/protocols/unet_phases_crops.py',
]

model = dict(backbone=dict(batch_norm=True, dropout=0.5))
optimizer = dict(weight_decay=1e-6)
