"""HED, trained on the edges of the labels, to draw the edge maps of the rows that take them as an input.

Source: squeeze_edge, "Holistic Edge Detection Preprocessing".
Reading: the source runs released weights over its photographs beforehand and trains no detector. This one takes their
place on machines that lack them; an arm is the released one. Ten epochs, the rate and VGG16's weights are ours.
Claims: S04.

Command: python bench/run_all.py --only squeeze_edge/hed_edges
"""

_base_ = [
    '../_base_/models/hed.py',
    '../_base_/schedules/squeeze_edge.py',
    '../_base_/protocols/squeeze_edge.py',
]

# Without normalisation layers and from scratch where weights are missing: ten times the network's own rate.
optimizer = dict(lr=1e-4)
protocol = dict(
    epochs=10,
    stages=[dict(name='edges', epochs=10)],
    weights='vgg16-imagenet',
    # There is no class to score.
    score=False,
    # The source draws its maps at the photographs' own size.
    cost=dict(input_shape=(3, 1024, 2048)))
