"""The gated network with the edge map that HED draws with its released weights.

Source: squeeze_edge, "Holistic Edge Detection Preprocessing"; the report's program.
Reading: the source's own detector, for machines that have its weights. It draws all contours, those of shadows and
texture too, where the detector of the main arm has learnt where classes meet.
Claims: S04.

Command: python bench/run_all.py --only squeeze_edge/dlse_hed__released_detector
"""

_base_ = ['dlse_hed.py']

model = dict(
    edge_branch=dict(mean=[104.00699, 116.66877, 122.67892], std=[1.0, 1.0, 1.0], bgr_to_rgb=False))
protocol = dict(
    start=[dict(parent='squeeze_edge/hed_edges__released', of='backbone.', into='edge_branch.detector.')])
