"""The gated network with a softmax over the channels, its largest gate times 1.5.

Source: squeeze_edge, "DLSE-SF" and "Results"; the factor from the report's program.
Readings: softmax gates sum to one, so that they shrink a branch of C channels C times where sigmoid gates halve it.
The factor is applied, as the text says; in the program it most likely never took effect.
Claims: S02, S03, S05.

Command: python bench/run_all.py --only squeeze_edge/dlse_sf
"""

_base_ = ['dlse.py']

model = dict(backbone=dict(excitation=dict(gate='softmax', largest_factor=1.5)))
