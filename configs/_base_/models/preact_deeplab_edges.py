"""squeeze_edge's network with gates and an edge map: HED of the photo, between 0 and 1, in training and testing.

The arms: ``edge_scale=255`` (unscaled), ``train_edges='labels'`` with ``test_edges`` 'labels' or 'photo'.
"""

_base_ = ['preact_deeplab.py']

model = dict(
    type='EdgeGuidedSegmentor',
    edge_branch=dict(type='HEDBranch', detector=dict(type='HED'), frozen=True),
    train_edges='photo', test_edges='photo', edge_scale=1.0, edge_radius=1,
    backbone=dict(excitation=dict(), edge_channel=True))
