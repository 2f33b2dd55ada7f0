"""Every cost that the rows give for a rebuilt network is what our network counts, but for the layouts named here."""

import pytest

import custom_ops  # noqa: F401  (registers what the configs name)
from bench import catalogue, compose, paths
from bench.measure.cost import count_config

# Layouts that rows list beside their own network, to explain a documented number or what a change costs; the HED rows
# count the network that is handed its edge map, ours holds the detector too.
OTHERS = {
    'decoder bottlenecks 16 and 4 wide inside, last layer 2x2',
    'decoder bottlenecks 32 and 16 wide inside, last layer 3x3',
    'public implementation on a ResNet-101 dilated to stride 8',
    'public implementation with a full-width decoder',
    'public implementation of that time, ResNet-101 at stride 16',
    'public implementation of that time, ResNet-152 at stride 16',
    'public implementation of that time, true ResNet-50',
    'the same at output stride 8',
    'two convolutions in every decoder stage too',
    'the same without skips',
}
DETECTOR_PARAMS = 14_716_171
WITHIN = 5e-3
COUNTED = {}
ROWS = [
    pytest.param(row, cost, id=f'{row.id}-{index}')
    for row in catalogue.load(paths.documented_dir()).experiments.values()
    if row.status == 'described'
    for index, cost in enumerate(row.recomputed)
]


def test_the_rows_that_give_costs_are_many_and_every_exception_is_used():
    assert len(ROWS) > 120
    sources = {param.values[1].source for param in ROWS}
    assert sources >= OTHERS
    assert sum(param.values[1].source not in OTHERS for param in ROWS) > 100


def count_once(*network):
    """Many rows share a network."""
    return COUNTED.get(repr(network)) or COUNTED.setdefault(repr(network), count_config(*network))


@pytest.mark.parametrize(('row', 'recomputed'), ROWS)
def test_counted_is_recomputed(row, recomputed):
    experiment = compose.read_experiment(paths.configs_dir() / f'{row.id}.py')
    protocol = experiment.protocol
    shape = tuple(recomputed.input_shape or protocol.cost.input_shape)
    model = compose.model_for(experiment.model, protocol.num_classes)
    counted = count_once(model, shape, protocol.cost.count_auxiliary)
    alone = 'the network alone' in recomputed.note and experiment.model.get('edge_branch')
    detector = DETECTOR_PARAMS if alone else 0
    params = {counted['params'] - detector, counted['params_deployed'] - detector}
    macs = {counted['macs'], counted['macs_deployed']}
    agree = [
        any(one == pytest.approx(wanted * unit, rel=WITHIN) for one in found)
        for found, wanted, unit in ((params, recomputed.params_millions, 1e6), (macs, recomputed.gmacs, 1e9))
        if wanted is not None
    ]
    assert agree
    assert all(agree) != (recomputed.source in OTHERS)
