"""Every row of kitti_ablation: its config changes what its source changes, and nothing else."""

from functools import cache
from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmengine.structures import PixelData
from mmseg.registry import MODELS
from mmseg.structures import SegDataSample

import custom_ops  # noqa: F401  (registers what the configs name)
from bench import amounts, budgets, catalogue, paths
from bench.measure.cost import count_config

CONFIGS = Path(__file__).parents[2] / 'configs' / 'kitti_ablation'
ROWS = {
    row.name: row
    for row in catalogue.load(paths.documented_dir()).experiments.values()
    if row.report == 'kitti_ablation' and row.status == 'described'
}

LR, EPOCHS, BATCH = 'optimizer.lr', 'protocol.epochs', 'protocol.batch_size'
SGD, MOMENTUM, DECAY = 'optimizer.type', 'optimizer.momentum', 'protocol.schedule'
NORMED, DEEPER, DEPTH = (f'model.backbone.{key}' for key in ('batch_norm', 'extra_convs', 'depth'))
TRANSFERRED = 'deeplabv3plus_r101_cityscapes'
SWEEP = dict(name='sweep', kind='lr_range', epochs=20, low=1e-6, high=1.0)
SCENES = [dict(name='pretraining', epochs=180, dataset='scenes'), dict(name='transfer', epochs=180)]

GONE = 'gone'


def step_decay(gamma):
    return [dict(kind='step', every_epochs=10, gamma=gamma)]


# row: (the row it is compared with, every setting in which the two differ)
VARIES = {
    'baseline__selected_on_test': ('baseline', {'protocol.select.split': 'test', 'protocol.select.after_epoch': 100}),
    'optimizer_sgd': ('baseline', {SGD: 'SGD'}),
    'optimizer_sgd__tuned': ('optimizer_sgd', {LR: 1e-2, MOMENTUM: 0.9}),
    'optimizer_sgd__tuned_lr_1e_3': ('optimizer_sgd__tuned', {LR: 1e-3}),
    'optimizer_sgd__tuned_lr_1e_1': ('optimizer_sgd__tuned', {LR: 1e-1}),
    'lr_3e_3': ('baseline', {LR: 3e-3}),
    'lr_1e_4': ('baseline', {LR: 1e-4}),
    'lr_3e_5': ('baseline', {LR: 3e-5}),
    'lr_range_test': ('baseline', {EPOCHS: 20, 'protocol.stages': [SWEEP], 'protocol.score': False}),
    'lr_step_decay': ('baseline', {DECAY: step_decay(0.9)}),
    'lr_step_decay__gamma_0_7': ('lr_step_decay', {DECAY: step_decay(0.7)}),
    'lr_step_decay__gamma_0_97': ('lr_step_decay', {DECAY: step_decay(0.97)}),
    'batch_16': ('baseline', {BATCH: 16}),
    'batch_32': ('baseline', {BATCH: 32}),
    'batch_16__equal_steps': ('batch_16', {EPOCHS: 720}),
    'batch_32__equal_steps': ('batch_32', {EPOCHS: 1440}),
    'epochs_500': ('baseline', {EPOCHS: 500}),
    'epochs_1000': ('baseline', {EPOCHS: 1000}),
    'batch_norm': ('baseline', {NORMED: True}),
    'extra_convs': ('baseline', {DEEPER: True}),
    'extra_convs_batch_norm': ('extra_convs', {NORMED: True}),
    'large_batch_batch_norm': ('batch_norm', {BATCH: 32}),
    'large_batch_extra_convs_batch_norm': ('extra_convs_batch_norm', {BATCH: 32}),
    'unet_r101': ('unet_r18', {DEPTH: 101}),
    'deeplabv3_r101_first_lr': ('deeplabv3_r50', {DEPTH: 101, 'protocol.weights': 'resnet101-imagenet'}),
    'deeplabv3_r101': ('deeplabv3_r101_first_lr', {LR: 1e-4}),
    'deeplabv3_r101_first_lr_long': ('deeplabv3_r101_first_lr', {EPOCHS: 500}),
    'deeplabv3_r101_long': ('deeplabv3_r101', {EPOCHS: 500}),
    'fcn_r101': ('fcn_r50', {DEPTH: 101, 'protocol.weights': 'resnet101-imagenet'}),
    'upernet_r101': ('upernet_r50', {DEPTH: 101, 'protocol.weights': 'resnet101-imagenet'}),
    'upernet_r50__r101_stride_16': (
        'upernet_r101',
        {
            'protocol.stride': 16,
            'model.backbone.strides': [1, 2, 2, 1],
            'model.backbone.dilations': [1, 1, 1, 2],
            'model.decode_head.type': 'PooledPyramidHead',
            'model.decode_head.channels': 256,
            **{f'model.decode_head.{key}': GONE for key in ('in_index', 'pool_scales', 'dropout_ratio')},
        },
    ),
    f'{TRANSFERRED}__imagenet': (TRANSFERRED, {'protocol.weights': 'resnet101-imagenet'}),
    f'{TRANSFERRED}__scratch': (TRANSFERRED, {'protocol.weights': None}),
    f'{TRANSFERRED}__scenes': (f'{TRANSFERRED}__scratch', {EPOCHS: 360, 'protocol.stages': SCENES}),
}
NETWORKS = {
    'baseline', 'enet', 'unet_r18', 'fcn_r50', 'pspnet', 'upernet_r50', 'deeplabv3_r50', 'deeplabv3_mobilenetv3',
    TRANSFERRED,
}  # fmt: skip

# Rows whose documented cost the network here has, and how closely.
SAME_COST = {
    'baseline': 0.01,
    'enet': 0.03,
    'fcn_r50': 1e-3,
    'fcn_r101': 2e-3,
    'deeplabv3_r50': 1e-3,
    'deeplabv3_r101': 1e-3,
    'deeplabv3_r101_first_lr': 1e-3,
    'deeplabv3_r101_first_lr_long': 1e-3,
    'deeplabv3_r101_long': 1e-3,
    'deeplabv3_mobilenetv3': 2e-3,
    'upernet_r50__r101_stride_16': 1e-4,
    TRANSFERRED: 5e-4,
}
OTHER_COST = {
    'unet_r18': 81.4,
    'unet_r101': 228.9,
    'upernet_r50': 842.2,
    'upernet_r101': 913.1,
}
# The R50 cases are trained with the other leaves.
DEEP = [
    'fcn_r101', 'upernet_r101', 'upernet_r50__r101_stride_16', 'unet_r101', 'deeplabv3_r101',
    TRANSFERRED,
]  # fmt: skip


@pytest.fixture(autouse=True)
def scope():
    init_default_scope('mmseg')


def load(name):
    return Config.fromfile(CONFIGS / f'{name}.py')


@cache
def cost(name, shape=None, auxiliary=None):
    config = load(name)
    wanted = config.protocol.cost
    return count_config(
        config.model,
        shape or tuple(wanted.input_shape),
        wanted.count_auxiliary if auxiliary is None else auxiliary,
    )


def settings(node, path=''):
    """Return every setting of a config by its dotted name; a list is one setting."""
    if not isinstance(node, dict):
        return {path: list(node) if isinstance(node, tuple) else node}
    return {k: v for key, value in node.items() for k, v in settings(value, f'{path}.{key}'.lstrip('.')).items()}


def differences(name, other):
    ours, theirs = (settings(load(one).to_dict()) for one in (name, other))
    return {key: ours.get(key, GONE) for key in ours | theirs if ours.get(key, GONE) != theirs.get(key, GONE)}


def test_every_row_is_a_network_or_varies_one():
    assert len(ROWS) >= 43
    assert set(VARIES) | NETWORKS <= set(ROWS)
    assert not set(VARIES) & NETWORKS
    assert all(other in NETWORKS or other in VARIES for other, _ in VARIES.values())


@pytest.mark.parametrize('name', VARIES)
def test_a_row_changes_what_its_source_changes_and_nothing_else(name):
    other, changed = VARIES[name]
    assert differences(name, other) == changed


@pytest.mark.parametrize('name', sorted(NETWORKS - {'baseline'}))
def test_another_network_keeps_the_baselines_training(name):
    """Data, views, epochs, batch, optimiser; what may differ belongs to the network or its initialisation."""
    changed = {key for key in differences(name, 'baseline') if not key.startswith('model.')}
    assert changed <= {'protocol.stride', 'protocol.weights', 'protocol.cost.count_auxiliary'}


@pytest.mark.parametrize('name', ROWS)
def test_images_are_read_as_the_source_reads_them(name):
    preprocessor = load(name).model.data_preprocessor
    assert (preprocessor.bgr_to_rgb, list(preprocessor.mean)) == (False, [123.675, 116.28, 103.53])


@pytest.mark.parametrize('name', ROWS)
def test_weights_are_those_of_the_trunk(name):
    config = load(name)
    weights = config.protocol.weights
    depth = config.model.backbone.get('depth')
    trunks = (None, 'mobilenetv3_large-imagenet', f'resnet{depth}-imagenet')
    assert weights in (('deeplabv3plus_r101-cityscapes',) if name == TRANSFERRED else trunks)


@pytest.mark.parametrize('batch', [16, 32])
def test_arms_with_equal_steps_take_the_baselines_at_any_budget(batch):
    def steps(name, rule):
        protocol = load(name).protocol
        share = amounts.share_of_steps(rule, protocol.epochs, protocol.documented_images, protocol.batch_size)
        return amounts.within(rule, share)

    for rule in (budgets.rule('full'), budgets.rule('short')):
        assert steps(f'batch_{batch}__equal_steps', rule) == steps('baseline', rule)
    full = budgets.rule('full')
    assert steps(f'batch_{batch}', full) == pytest.approx(steps('baseline', full) * 4 / batch, abs=1)


@pytest.mark.parametrize(('name', 'left'), [('', 1 / 6), ('__gamma_0_7', 2e-3), ('__gamma_0_97', 3 / 5)])
def test_the_rate_left_after_all_decays_is_the_one_the_row_states(name, left):
    protocol = load(f'lr_step_decay{name}').protocol
    (schedule,) = protocol.schedule
    decays = (protocol.epochs - 1) // schedule.every_epochs
    assert schedule.gamma**decays == pytest.approx(left, rel=0.2)


@pytest.mark.parametrize('name', SAME_COST)
def test_documented_cost_holds(name):
    documented = ROWS[name].value('gflops')
    assert cost(name)['flops'] / 1e9 == pytest.approx(documented, rel=SAME_COST[name])


@pytest.mark.parametrize('name', OTHER_COST)
def test_costs_that_differ_are_the_ones_the_docstring_explains(name):
    printed = f'Cost: {OTHER_COST[name]} GFLOPs here against {ROWS[name].value("gflops")} documented'
    assert cost(name)['flops'] / 1e9 == pytest.approx(OTHER_COST[name], abs=0.06)
    assert printed in (CONFIGS / f'{name}.py').read_text()


def test_every_documented_cost_is_judged():
    assert set(SAME_COST) | set(OTHER_COST) == {name for name, row in ROWS.items() if row.value('gflops')}


def test_the_order_of_costs_is_documented_and_kept_where_the_networks_are_known():
    known = ['enet', 'deeplabv3_mobilenetv3', 'baseline', TRANSFERRED, 'fcn_r50', 'deeplabv3_r50', 'fcn_r101']
    known.append('deeplabv3_r101')
    for costs in ([ROWS[name].value('gflops') for name in known], [cost(name)['flops'] for name in known]):
        assert costs == sorted(costs)


@pytest.mark.parametrize('arm', ['', '__imagenet', '__scratch', '__scenes'])
def test_low_cost_of_the_transferred_network_is_the_strides(arm):
    """Whatever it starts from."""
    here, at_stride_8 = ROWS[f'{TRANSFERRED}{arm}'].recomputed
    assert cost(f'{TRANSFERRED}{arm}')['macs'] / 1e9 == pytest.approx(here.gmacs, rel=1e-3)
    assert at_stride_8.gmacs > 3 * here.gmacs


def test_the_transfer_takes_the_steps_that_its_counterpart_from_scratch_takes():
    *_, transfer = load(f'{TRANSFERRED}__scenes').protocol.stages
    scratch = load(f'{TRANSFERRED}__scratch').protocol
    assert transfer.epochs == scratch.epochs
    assert {'batch_size', 'schedule', 'lr', 'dataset'}.isdisjoint(transfer)


def test_the_sweep_spans_every_rate_of_the_table():
    [sweep] = load('lr_range_test').protocol.stages
    rates = {load(name).optimizer.lr for name in ('baseline', 'lr_3e_3', 'lr_1e_4', 'lr_3e_5')}
    assert len(rates) == 4
    assert sweep.low < min(rates) and max(rates) < sweep.high


EXACT = [(name, row) for name in ROWS for row in ROWS[name].recomputed if round((row.params_millions or 0) * 1e6) % 1e4]


@pytest.mark.parametrize(('name', 'row'), EXACT, ids=[f'{name}-{row.source}' for name, row in EXACT])
def test_parameters_given_to_the_unit_are_those_of_the_network_here(name, row):
    counted = [cost(name, row.input_shape, auxiliary) for auxiliary in (False, True)]
    params = {counted[0]['params'], counted[0]['params_deployed']}
    assert round(row.params_millions * 1e6) in params
    assert any(c['macs'] / 1e9 == pytest.approx(row.gmacs, rel=2e-3) for c in counted)


@pytest.mark.parametrize('name', DEEP)
def test_deep_networks_take_a_training_step_and_predict(name):
    torch.manual_seed(0)
    config = load(name)
    model = MODELS.build(config.model)
    images = [torch.randint(0, 256, (3, 64, 64), dtype=torch.uint8) for _ in range(2)]
    samples = []
    for _ in images:
        sample = SegDataSample(metainfo=dict(img_shape=(64, 64), ori_shape=(64, 64)))
        sample.gt_sem_seg = PixelData(data=torch.randint(0, config.protocol.num_classes, (1, 64, 64)))
        samples.append(sample)
    batch = model.data_preprocessor(dict(inputs=images, data_samples=samples), training=True)
    loss, _ = model.parse_losses(model.loss(batch['inputs'], batch['data_samples']))
    loss.backward()
    assert torch.isfinite(loss)
    assert [n for n, p in model.named_parameters() if p.grad is None] == []
    model.eval()
    with torch.no_grad():
        (result,) = model.predict(batch['inputs'][:1], samples[:1])
    assert result.pred_sem_seg.data.shape == (1, 64, 64)
