"""Phase 3 with the other way to complete its list of widths: one more block from ten to ten.

Source: unet_phases, section II.3.
Reading: B, the printed list kept as it is and a last block of ten added; 96 million parameters in place of 173.
Claims: V03.

Command: python bench/run_all.py --only unet_phases/phase_3__reading_b
"""

_base_ = ['phase_3.py']

model = dict(backbone=dict(decoder=(810, 270, 90, 30, 10)))
