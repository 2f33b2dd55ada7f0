"""Phase 8 with a loss that weighs each class by the inverse of its area.

Source: unet_phases, section II.9.
Readings: the printed list of weights is cut off; they are total area over class area, and are counted anew on the
training labels of the data set at hand. The mean is over the weights, as in torch.
Claims: V20, V21, V22.

Command: python bench/run_all.py --only unet_phases/phase_9_1
"""

_base_ = ['phase_8.py']

model = dict(decode_head=dict(loss_decode=dict(type='InverseAreaLoss', class_pixels=None)))
