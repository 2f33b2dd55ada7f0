"""HED with its released weights, trained no further: the detector of the source.

Source: squeeze_edge, "Holistic Edge Detection Preprocessing"; the report's program.
Reading: weights trained on the contours of BSDS500, which want BGR less the means of their own training. Without the
file the detector is random, and its receipt says so.
Claims: S04.

Command: python bench/run_all.py --only squeeze_edge/hed_edges__released
"""

_base_ = ['hed_edges.py']

model = dict(
    data_preprocessor=dict(mean=[104.00699, 116.66877, 122.67892], std=[1.0, 1.0, 1.0], bgr_to_rgb=False))
protocol = dict(stages=[], weights='hed-bsds500')
