"""The gated network with an edge map of the photograph: a fourth input channel, and again before the last two layers.

Source: squeeze_edge, "Holistic Edge Detection Preprocessing", "DLSE-HED" and "Results"; layers from the program.
Reading: as the text says: edges of the photograph, between 0 and 1, in training and in testing. The arms are what the
program did instead. The detector is frozen; it comes from hed_edges and draws its maps at the network's own size.
Cost: that of the network with its map at hand, as in the source, which draws the maps beforehand.
Claims: S04, S06.

Command: python bench/run_all.py --only squeeze_edge/dlse_hed
"""

_base_ = [
    '../_base_/models/preact_deeplab_edges.py',
    '../_base_/schedules/squeeze_edge.py',
    '../_base_/protocols/squeeze_edge.py',
]

protocol = dict(
    start=[dict(parent='squeeze_edge/hed_edges', of='backbone.', into='edge_branch.detector.')],
    cost=dict(input_shape=(4, 512, 912)))
