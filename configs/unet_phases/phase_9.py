"""Phase 8 with a learning rate that falls when the validation loss stops falling.

Source: unet_phases, section II.9.
Readings: the printed call names neither factor (its default, a tenth) nor when it is stepped; once an epoch, on the
validation loss. On another budget an epoch is a hundredth of the run, and the loss that of the images scored then.
Claims: V19, V29.

Command: python bench/run_all.py --only unet_phases/phase_9
"""

_base_ = ['phase_8.py']

protocol = dict(schedule=[dict(kind='plateau', factor=0.1, patience_epochs=4)])
