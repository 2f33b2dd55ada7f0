"""Phase 7.4 with a learning rate that falls after epoch 100.

Source: unet_phases, section II.12.
Readings: neither the factor nor the number of epochs is stated; a tenth, and 150 epochs.
Claims: V26, V29.

Command: python bench/run_all.py --only unet_phases/phase_7_5
"""

_base_ = ['phase_7_4.py']

protocol = dict(epochs=150, schedule=[dict(kind='multistep', at_epochs=(100,), gamma=0.1)])
