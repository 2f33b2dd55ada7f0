"""Phase 7.4 with RMSprop.

Source: unet_phases, section II.12.
Reading: momentum .9 is stated, the rate is not; that of Adam, 1e-3.
Claims: V28.

Command: python bench/run_all.py --only unet_phases/phase_7_7
"""

_base_ = ['phase_7_4.py']

optimizer = dict(_delete_=True, type='RMSprop', lr=1e-3, momentum=0.9)
