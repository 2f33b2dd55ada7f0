"""hierarchical_attention: what each row changes, what each stage trains, what fits whom, exact counts on meta."""

import copy
import math
import re
import sys
from functools import cache
from pathlib import Path

import pytest
import torch
from mmengine.registry import init_default_scope
from mmengine.structures import PixelData
from mmseg.registry import MODELS
from mmseg.structures import SegDataSample

import custom_ops  # noqa: F401  (registers what the configs name)
from bench import catalogue, compose, paths
from bench.measure.cost import build_on_meta, count
from bench.measure.documented import count_documented
from custom_ops.segmentors.freezing import select_blocks

sys.path.insert(0, str(Path(__file__).parent))

from leaves import changed_keys, flat

REPORT = 'hierarchical_attention'
FOLDER = Path(__file__).parents[2] / 'configs' / REPORT
LEAVES = sorted(path.stem for path in FOLDER.glob('*.py'))
ROWS = {row.name: row for row in catalogue.load(paths.documented_dir()).experiments.values() if row.report == REPORT}
DOCUMENTED = {
    'initial_mobilenetv2_scale_0_5', 'initial_mobilenetv2_scale_1', 'initial_mobilenetv2_scale_2',
    'initial_resnet50_scale_0_5', 'initial_resnet50_scale_1', 'initial_resnet50_scale_2', 'initial_resnet101_scale_1',
    'two_stage_attention', 'two_stage', 'three_stage_attention', 'three_stage', 'rmi_or_cross_entropy', 'auto_label',
    'deeplabv3', 'hrnet_ocr', 'explicit_attention', 'added_scales', 'end_to_end_resnet50',
}  # fmt: skip
# The report's table of initial stages: scale, batch, epochs.
INITIAL = {
    'initial_mobilenetv2_scale_0_5': (0.5, 4, 7),
    'initial_mobilenetv2_scale_1': (1.0, 3, 7),
    'initial_mobilenetv2_scale_2': (2.0, 3, 5),
    'initial_resnet50_scale_0_5': (0.5, 2, 6),
    'initial_resnet50_scale_1': (1.0, 2, 6),
    'initial_resnet50_scale_2': (2.0, 2, 5),
}
LOSS = 'model.decode_head.loss_decode'
RMI_ONLY = {f'{LOSS}.{key}' for key in ('radius', 'pool', 'pool_size', 'pool_stride', 'rmi_weight')}
TO_CROSS_ENTROPY = RMI_ONLY | {f'{LOSS}.type', f'{LOSS}.avg_non_ignore'}
UNLABELLED = {'protocol.auto_label'} | {f'protocol.auto_label.{key}' for key in ('parent', 'split', 'threshold')}
EVALUATED = UNLABELLED | {'protocol.start', 'protocol.stages'}
TRAINED_LIKE_RESNET = {'protocol.epochs', 'protocol.batch_size'}
# row: (the row it is compared with, every key in which the two may and do differ)
SINGLE_CHANGES = {
    'initial_mobilenetv2_scale_0_5__equal_training': ('initial_mobilenetv2_scale_0_5', TRAINED_LIKE_RESNET),
    'initial_mobilenetv2_scale_1__equal_training': ('initial_mobilenetv2_scale_1', TRAINED_LIKE_RESNET),
    'initial_mobilenetv2_scale_2__equal_training': ('initial_mobilenetv2_scale_2', {'protocol.batch_size'}),
    'initial_mobilenetv2_scale_1__base_1024x2048': (
        'initial_mobilenetv2_scale_1',
        {'protocol.train_view.size', 'protocol.test_view.size', 'protocol.cost.input_shape'},
    ),
    'initial_resnet101_scale_1': ('initial_resnet50_scale_1', {'model.backbone.depth', 'protocol.weights'}),
    'two_stage_attention': ('two_stage', {'protocol.epochs', 'protocol.stages'}),
    'three_stage_attention': ('three_stage', {'protocol.epochs', 'protocol.stages'}),
    'three_stage': ('two_stage', {'model.scales', 'protocol.start', 'protocol.stages'}),
    'two_stage__last_layer_as_coded': ('two_stage', {'model.attention_head.last_norm'}),
    'two_stage__as_coded': ('two_stage__last_layer_as_coded', {'model.squash'}),
    'two_stage__shared_trunk': ('two_stage', {'model.shared_trunk', 'protocol.start', 'protocol.stages'}),
    'auto_label': ('two_stage', EVALUATED),
    'auto_label__without': ('two_stage', UNLABELLED),
    'auto_label__threshold': ('two_stage', {'protocol.auto_label.threshold'}),
    'rmi_or_cross_entropy': ('initial_mobilenetv2_scale_1', set()),
    'rmi_or_cross_entropy__ce': ('rmi_or_cross_entropy', TO_CROSS_ENTROPY),
    'rmi_or_cross_entropy__bce': ('rmi_or_cross_entropy', {f'{LOSS}.rmi_weight'}),
    'added_scales': ('two_stage__shared_trunk', EVALUATED | {'model.test_cfg.scales'}),
    'added_scales__scale_0_25': ('added_scales', {'model.test_cfg.scales'}),
    'two_stage__paper_head': (
        'explicit_attention',
        {f'model.{key}' for key in ('type', 'scales', 'scale_weight', 'shared_trunk', 'attention_head.type')},
    ),
}


@pytest.fixture(autouse=True)
def scope():
    init_default_scope('mmseg')


@cache
def load(name):
    return compose.read_experiment(FOLDER / f'{name}.py')


@cache
def first_alike(name):
    """Return the first row with the same network, so that each is built and counted once."""
    return next(other for other in LEAVES if load(other).model == load(name).model)


def on_meta(name):
    return built(first_alike(name))


@cache
def built(name):
    return build_on_meta(load(name).model)


@cache
def counted(name, shape):
    return count(built(name), shape, False)


def test_every_documented_row_is_there_and_every_row_a_config():
    assert set(ROWS) >= DOCUMENTED
    assert all('__' in name for name in set(ROWS) - DOCUMENTED)
    assert set(LEAVES) == set(ROWS)


def test_claims_of_the_report_are_all_served():
    assert {claim for row in ROWS.values() for claim in row.claims} == {f'H{number:02}' for number in range(1, 20)}


@pytest.mark.parametrize('name', SINGLE_CHANGES)
def test_a_row_changes_what_it_says_and_nothing_else(name):
    other, keys = SINGLE_CHANGES[name]
    assert changed_keys(load(name), load(other)) == keys


@pytest.mark.parametrize('name', INITIAL)
def test_initial_stages_are_trained_as_the_table_says(name):
    config, (scale, batch, epochs) = load(name), INITIAL[name]
    assert config.model.get('scale', 1.0) == scale
    assert (config.protocol.batch_size, config.protocol.epochs) == (batch, epochs)
    assert config.optimizer == dict(type='Adam', lr=1e-3, weight_decay=0.01)
    assert config.protocol.schedule == [dict(kind='step', every_epochs=1, gamma=0.8)]


@pytest.mark.parametrize('key', ['0_5', '1', '2'])
def test_controls_of_the_trunk_are_trained_as_the_resnet_of_their_scale(key):
    control = load(f'initial_mobilenetv2_scale_{key}__equal_training')
    resnet = load(f'initial_resnet50_scale_{key}')
    assert flat(control.optimizer) == flat(resnet.optimizer)
    ours, theirs = flat(control.protocol.to_dict()), flat(resnet.protocol.to_dict())
    assert {name for name in ours if ours[name] != theirs[name]} == {'weights'}


STAGED = [name for name in LEAVES if len(load(name).protocol.get('stages', ())) == 2]


def trained_blocks(name, turn):
    blocks = on_meta(name).named_blocks()
    return set(blocks) - set(select_blocks(turn, blocks))


def test_the_main_models_are_trained_in_the_two_documented_steps():
    assert {'two_stage', 'three_stage'} <= set(STAGED)
    for name in STAGED:
        first, second = load(name).protocol.stages
        assert (first.epochs, first.lr, second.epochs, second.lr) == (5, 5e-4, 5, 1e-4)
        assert load(name).protocol.schedule == [dict(kind='constant')]


@pytest.mark.parametrize('name', STAGED)
def test_the_first_step_trains_the_attention_and_the_second_everything_else(name):
    first, second = load(name).protocol.stages
    [turn] = first.turns
    assert all(block.endswith('attention') for block in trained_blocks(name, turn))
    later = set().union(*(trained_blocks(name, turn) for turn in second.turns))
    assert later | trained_blocks(name, turn) == set(on_meta(name).named_blocks())
    assert not later & trained_blocks(name, turn)


@pytest.mark.parametrize(('name', 'order'), [('two_stage', ['1', '0_5']), ('three_stage', ['2', '1', '0_5'])])
def test_an_epoch_of_the_second_step_trains_one_stage_from_the_highest_scale_down(name, order):
    second = load(name).protocol.stages[1]
    assert second.turn_epochs == 1
    expected = [{f'scale_{key}/trunk', f'scale_{key}/segmentation'} for key in order]
    assert [trained_blocks(name, turn) for turn in second.turns] == expected


STARTED = [name for name in LEAVES if load(name).protocol.get('start')]


@pytest.mark.parametrize('name', STARTED)
def test_parents_fill_the_network_but_for_the_attention(name):
    own = {key: tensor.shape for key, tensor in on_meta(name).state_dict().items()}
    filled = {}
    for start in load(name).protocol.start:
        parent = start.parent.split('/')[1]
        filled |= {start.get('into', '') + key: t.shape for key, t in on_meta(parent).state_dict().items()}
    assert filled.items() <= own.items()
    lacking = {key for key in own if key not in filled}
    assert all('attention_head.' in key for key in lacking)
    trained_attention = load(name).protocol.get('stages') != [] and 'attention_head' in load(name).model
    assert bool(lacking) == trained_attention


@pytest.mark.parametrize('name', ['two_stage', 'three_stage', 'end_to_end_resnet50'])
def test_each_scale_starts_from_the_initial_stage_of_that_scale(name):
    model, starts = on_meta(name), load(name).protocol.start
    prefixes = ['', *(f'lower_stages.scale_{scale:g}.'.replace('0.5', '0_5') for scale in model.scales[1:])]
    assert [start.get('into', '') for start in starts] == prefixes
    parents = [load(start.parent.split('/')[1]).model.get('scale', 1.0) for start in starts]
    assert tuple(parents) == model.scales


def test_rows_without_training_score_the_network_they_start_from():
    untrained = {name: load(name).protocol.start for name in LEAVES if load(name).protocol.get('stages') == []}
    assert set(untrained) == {'auto_label', 'added_scales', 'added_scales__scale_0_25'}
    for name, [start] in untrained.items():
        ours, theirs = (load(one).model.to_dict() for one in (name, start.parent.split('/')[1]))
        ours['test_cfg'].pop('scales', None)
        assert ours == theirs


@pytest.mark.parametrize(('name', 'scale'), [('added_scales', 2.0), ('added_scales__scale_0_25', 0.25)])
def test_a_scale_is_added_to_those_trained(name, scale):
    model = on_meta(name)
    assert set(model.test_scales) - set(model.scales) == {scale}
    assert set(model.scales) <= set(model.test_scales)


RECOMPUTED = [(name, cost) for name in ROWS for cost in ROWS[name].recomputed]


def test_every_row_has_a_recomputed_cost():
    assert {name for name, _ in RECOMPUTED} == set(ROWS)


@pytest.mark.parametrize(('name', 'cost'), RECOMPUTED, ids=[name for name, _ in RECOMPUTED])
def test_counts_are_the_recomputed_ones(name, cost):
    assert cost.input_shape == tuple(load(name).protocol.cost.input_shape)
    ours = counted(first_alike(name), cost.input_shape)
    assert ours['params'] == round(cost.params_millions * 1e6)
    assert ours['macs'] / 1e9 == pytest.approx(cost.gmacs, abs=1e-3)


def test_trunks_of_a_training_sample_cost_what_the_documented_arithmetic_says():
    single, pair, paper, explicit = (
        count_documented(FOLDER / f'{name}.py')['training']
        for name in ('initial_mobilenetv2_scale_1', 'two_stage', 'two_stage__paper_head', 'explicit_attention')
    )
    assert explicit['macs_trunk'] / single['macs_trunk'] == ROWS['explicit_attention'].value('relative_cost') == 5.25
    assert pair['macs_trunk'] / single['macs_trunk'] == ROWS['two_stage'].value('relative_cost') == 1.25
    assert paper['macs_trunk'] == pair['macs_trunk']
    # With the heads, which the arithmetic leaves out.
    assert pair['macs'] / single['macs'] == pytest.approx(2.42, abs=0.01)
    assert explicit['macs'] / single['macs'] == pytest.approx(7.55, abs=0.01)


@pytest.mark.parametrize(('name', 'mean'), [('two_stage', 49.24), ('three_stage', 47.65)])
def test_printed_classes_average_less_than_the_printed_mean(name, mean):
    classes = {one.metric: one.value for one in ROWS[name].documented if one.metric.startswith('iou.')}
    assert len(classes) == load(name).protocol.num_classes
    assert sum(classes.values()) / len(classes) == pytest.approx(mean, abs=5e-3)
    assert ROWS[name].value('miou') - mean > 4


def narrow(name):
    """Return the model with a trunk and heads a fraction as wide."""
    model = copy.deepcopy(load(name).model)
    model.decode_head.update(channels=16, low_projection=4)
    attention = model.get('attention_head', {})
    deconv = attention.get('type') == 'DeconvAttentionHead'
    # The paper's head reads the decoder's input: the low-level features beside the context.
    attention.update(dict(channels=(16, 8, 4)) if deconv else dict(channels=16, in_channels=20))
    if model.backbone.type == 'ResNet':
        model.backbone.base_channels = 8
        model.decode_head.update(in_channels=256, low_channels=32)
        attention.update(in_channels=256)
    return model


def batch_of(model, num_classes):
    images = [torch.randint(0, 256, (3, 64, 96), dtype=torch.uint8) for _ in range(2)]
    samples = []
    for _ in images:
        sample = SegDataSample(metainfo=dict(img_shape=(64, 96), ori_shape=(64, 96)))
        labels = torch.randint(0, num_classes, (1, 8, 12)).repeat_interleave(8, 1).repeat_interleave(8, 2)
        sample.gt_sem_seg = PixelData(data=labels)
        samples.append(sample)
    return model.data_preprocessor(dict(inputs=images, data_samples=samples), training=True)


NARROW = [
    'end_to_end_resnet50', 'initial_resnet101_scale_1',
    *(n for n in LEAVES if re.match('three_stage|two_stage__|added_scales', n)),
]  # fmt: skip


@pytest.mark.parametrize('name', NARROW)
def test_a_narrow_build_takes_a_step_that_reaches_every_weight_and_predicts(name):
    assert len(NARROW) >= 8
    torch.manual_seed(0)
    model = MODELS.build(narrow(name))
    batch = batch_of(model, 20)
    loss, _ = model.parse_losses(model.loss(batch['inputs'], batch['data_samples']))
    loss.backward()
    assert torch.isfinite(loss)
    assert [key for key, p in model.named_parameters() if p.grad is None] == []
    model.eval()
    with torch.no_grad():
        (result,) = model.predict(batch['inputs'][:1], batch['data_samples'][:1])
    assert result.pred_sem_seg.data.shape == (1, 64, 96)
    assert int(result.pred_sem_seg.data.max()) < 20


def test_the_loss_as_coded_has_the_floor_that_the_printed_curve_ends_at():
    """Even logits that are right everywhere, beyond any doubt, cost log(1 + 19/e); without the sigmoid, nothing."""
    losses = {}
    for name in ('two_stage__as_coded', 'two_stage__last_layer_as_coded'):
        model = MODELS.build(narrow(name))
        batch = batch_of(model, 20)
        labels = torch.stack([sample.gt_sem_seg.data for sample in batch['data_samples']]).squeeze(1)
        sure = 200 * torch.nn.functional.one_hot(labels, 20).permute(0, 3, 1, 2).float() - 100
        joint = sure if model.activation is None else model.activation(sure)
        losses[name] = float(model.heads[-1].loss_by_feat(joint, batch['data_samples'])['loss_ce'])
    assert losses['two_stage__as_coded'] == pytest.approx(math.log(1 + 19 / math.e), rel=1e-5)
    assert losses['two_stage__as_coded'] == pytest.approx(2.078, abs=5e-4)
    assert losses['two_stage__last_layer_as_coded'] == 0
