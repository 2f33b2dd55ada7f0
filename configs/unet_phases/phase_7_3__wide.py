"""Phase 7.3 with the wide layers kept, and so moved to a higher resolution.

Source: unet_phases, section II.10.
Reading: two of the four blocks are as wide as the last ones of phase 7.1; 2.3 times the cost of that phase.
Claims: V23.

Command: python bench/run_all.py --only unet_phases/phase_7_3__wide
"""

_base_ = ['phase_7_3.py']

model = dict(backbone=dict(encoder=(30, 90, 810, 2430), decoder=(810, 90, 30)))
