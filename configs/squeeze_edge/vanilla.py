"""An encoder-decoder on a pre-activation ResNet-50: the reference of every other row of the report.

Source: squeeze_edge, "Implementation Details", "Training" and "Results"; layers from the report's public program.
Reading: ten epochs at each of three sizes; weights of a ResNet-50 by layer name, which leaves the stem, the shortcuts
and most normalisation random. Its own script is missing: the network is the gated one's without the gates.
Departure: labels are resized by nearest neighbour; the program's interpolation turns seams between classes neutral.
Claims: S01, S07, S08.

Command: python bench/run_all.py --only squeeze_edge/vanilla
"""

_base_ = [
    '../_base_/models/preact_deeplab.py',
    '../_base_/schedules/squeeze_edge.py',
    '../_base_/protocols/squeeze_edge.py',
]
