"""deeplab_depth: what each row changes, the blocks that stay random, exact counts at full width, narrow steps."""

import copy
import re
import sys
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
from bench import catalogue, paths
from bench.measure.cost import build_on_meta, count
from custom_ops.backbones import random_blocks
from custom_ops.backbones.by_name import fit_by_name

sys.path.insert(0, str(Path(__file__).parent))

from leaves import changed_keys

FOLDER = Path(__file__).parents[2] / 'configs' / 'deeplab_depth'
LEAVES = sorted(path.stem for path in FOLDER.glob('*.py'))
ROWS = {
    row.name: row
    for row in catalogue.load(paths.documented_dir()).experiments.values()
    if row.report == 'deeplab_depth'
}
DEPTH, WEIGHTS, START, EPOCHS = 'model.backbone.depth', 'protocol.weights', 'protocol.start', 'protocol.epochs'
# row: (the row it is compared with, every key in which the two differ)
SINGLE_CHANGES = {
    'resnet101': ('resnet50', {DEPTH, WEIGHTS}),
    'resnet156': ('resnet101', {DEPTH}),
    'resnet152_own_weights': ('resnet156', {WEIGHTS}),
    'resnet101__epochs_120': ('resnet101', {EPOCHS}),
    'resnet156__epochs_120': ('resnet156', {EPOCHS}),
    'resnet101__stand_in': ('resnet101', {WEIGHTS, START}),
    'resnet156__stand_in': ('resnet101__stand_in', {DEPTH}),
    'resnet152_own_weights__stand_in': ('resnet156__stand_in', {START}),
}
STAND_INS = [name for name in LEAVES if name.endswith('__stand_in')]


@pytest.fixture(autouse=True)
def scope():
    init_default_scope('mmseg')


@cache
def load(name):
    return Config.fromfile(FOLDER / f'{name}.py')


@cache
def on_meta(name):
    return build_on_meta(load(name).model)


def trunk(name):
    return on_meta(name).backbone.state_dict()


def test_every_row_but_the_first_varies_one():
    assert set(SINGLE_CHANGES) == set(LEAVES) - {'resnet50'} == set(ROWS) - {'resnet50'}
    assert len(STAND_INS) == 3


def test_claims_of_the_report_are_all_served():
    assert {claim for row in ROWS.values() for claim in row.claims} == {f'D{number:02}' for number in range(1, 12)}


@pytest.mark.parametrize('name', SINGLE_CHANGES)
def test_a_row_changes_what_it_says_and_nothing_else(name):
    other, keys = SINGLE_CHANGES[name]
    assert changed_keys(load(name), load(other)) == keys


@pytest.mark.parametrize('name', [name for name in LEAVES if ROWS[name].recomputed])
def test_counts_are_the_recomputed_ones(name):
    [documented] = ROWS[name].recomputed
    counted = count(on_meta(name), documented.input_shape, False)
    assert tuple(load(name).protocol.cost.input_shape) == documented.input_shape == (3, 513, 513)
    assert counted['params'] == round(documented.params_millions * 1e6)
    assert counted['macs'] / 1e9 == pytest.approx(documented.gmacs, abs=6e-3)


def test_the_deeper_network_costs_as_much_more_as_it_took_longer():
    deep, shallow = (count(on_meta(name), (3, 513, 513), False)['macs'] for name in ('resnet156', 'resnet101'))
    hours = ROWS['resnet156'].value('train_sec') / ROWS['resnet101'].value('train_sec')
    assert deep / shallow == pytest.approx(hours, rel=0.02)


def test_seventeen_of_fifty_blocks_stay_random_by_name_in_the_deeper_network():
    assert [len(getattr(on_meta('resnet156').backbone, f'layer{stage}')) for stage in range(1, 5)] == [3, 8, 36, 3]
    assert load('resnet156').protocol.weights == load('resnet101').protocol.weights == 'resnet101-imagenet'
    own = trunk('resnet156')
    fitting, account = fit_by_name(own, trunk('resnet101'))
    random = random_blocks(account)
    assert random == (*(f'layer2.{k}' for k in range(4, 8)), *(f'layer3.{k}' for k in range(23, 36)))
    assert len(fitting) == len(trunk('resnet101'))
    weights = {key: p.numel() for key, p in on_meta('resnet156').backbone.named_parameters()}
    assert sum(weights.values()) / 1e6 == pytest.approx(58.1, abs=0.05)
    assert sum(size for key, size in weights.items() if key in account.left) / 1e6 == pytest.approx(15.6, abs=0.05)


@pytest.mark.parametrize('name', STAND_INS)
def test_stand_ins_take_by_name_what_the_weights_would_fill(name):
    """A trunk from a finished run leaves random exactly what the documented weights of the arm's model leave."""
    protocol, stood_for = load(name).protocol, load(name.removesuffix('__stand_in')).protocol
    [start] = protocol.start
    assert (start.of, start.into, protocol.weights) == ('backbone.', 'backbone.', None)
    parent = start.parent.split('/')[1]
    assert load(parent).protocol.weights == stood_for.weights
    depth = int(re.search(r'\d+', stood_for.weights)[0])
    assert load(parent).model.backbone.depth == depth
    left = fit_by_name(trunk(name), trunk(parent))[1].left
    assert bool(left) == (load(name).model.backbone.depth != depth)


def test_both_networks_are_trained_as_long_again_in_the_longer_arms():
    assert {load(f'{name}__epochs_120').protocol.epochs for name in ('resnet101', 'resnet156')} == {120}
    assert {load(name).protocol.schedule[0].kind for name in LEAVES} == {'poly'}


@pytest.mark.parametrize('name', ['resnet101', 'resnet156'])
def test_a_narrow_build_takes_a_step_that_reaches_every_weight_and_predicts(name):
    """An eighth of the trunk's width at its full depth."""
    torch.manual_seed(0)
    config = copy.deepcopy(load(name))
    config.model.backbone.update(base_channels=8, stem_channels=8)
    config.model.decode_head.update(in_channels=256, low_channels=32, low_projection=8, channels=32)
    model = MODELS.build(config.model)
    images = [torch.randint(0, 256, (3, 65, 65), dtype=torch.uint8) for _ in range(2)]
    samples = []
    for _ in images:
        sample = SegDataSample(metainfo=dict(img_shape=(65, 65), ori_shape=(65, 65)))
        sample.gt_sem_seg = PixelData(data=torch.randint(0, 19, (1, 65, 65)))
        samples.append(sample)
    batch = model.data_preprocessor(dict(inputs=images, data_samples=samples), training=True)
    loss, _ = model.parse_losses(model.loss(batch['inputs'], batch['data_samples']))
    loss.backward()
    assert torch.isfinite(loss)
    assert [key for key, p in model.named_parameters() if p.grad is None] == []
    model.eval()
    with torch.no_grad():
        (result,) = model.predict(batch['inputs'][:1], samples[:1])
    assert result.pred_sem_seg.data.shape == (1, 65, 65)
