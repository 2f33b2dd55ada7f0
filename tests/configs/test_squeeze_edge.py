"""squeeze_edge: what each row changes, exact counts at full width on meta, narrow steps, whose edges are seen."""

import copy
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

sys.path.insert(0, str(Path(__file__).parent))

from leaves import changed_keys, flat

FOLDER = Path(__file__).parents[2] / 'configs' / 'squeeze_edge'
LEAVES = sorted(path.stem for path in FOLDER.glob('*.py'))
ROWS = {
    row.name: row for row in catalogue.load(paths.documented_dir()).experiments.values() if row.report == 'squeeze_edge'
}
DETECTORS = ['hed_edges', 'hed_edges__released']
NETWORKS = [name for name in LEAVES if name not in DETECTORS]

EXCITATION, LOSS = 'model.backbone.excitation', 'model.decode_head.loss_decode'
TRAIN_EDGES, TEST_EDGES, SCALE = 'model.train_edges', 'model.test_edges', 'model.edge_scale'
NORMALISATION = ('mean', 'std', 'bgr_to_rgb')
# row: (the row it is compared with, every key in which the two may and do differ)
SINGLE_CHANGES = {
    'vanilla__direct': ('vanilla', {'protocol.stages'}),
    'vanilla__direct_equal_cost': ('vanilla__direct', {'protocol.stages', 'protocol.epochs'}),
    'vanilla__classes_19': (
        'vanilla',
        {
            'model.backbone.num_classes',
            'model.decode_head.num_classes',
            'protocol.num_classes',
            'protocol.dataset',
        },
    ),
    'dlse': ('vanilla', {EXCITATION}),
    'dlse__classes_19': ('vanilla__classes_19', {EXCITATION}),
    'dlse__edge_loss': ('dlse', {f'{LOSS}.{key}' for key in ('type', 'edge_weight', 'radius')}),
    'dlse_sf': ('dlse', {EXCITATION, f'{EXCITATION}.gate', f'{EXCITATION}.largest_factor'}),
    'dlse_sf__without_factor': ('dlse_sf', {f'{EXCITATION}.largest_factor'}),
    'dlse_hed__unscaled': ('dlse_hed', {SCALE}),
    'dlse_hed__mismatched': ('dlse_hed', {TRAIN_EDGES}),
    'dlse_hed__mismatched_unscaled': ('dlse_hed__mismatched', {SCALE}),
    'dlse_hed__released_detector': (
        'dlse_hed', {'protocol.start', *(f'model.edge_branch.{key}' for key in NORMALISATION)}),
    'hed_edges__released': (
        'hed_edges',
        {'protocol.stages', 'protocol.weights', *(f'model.data_preprocessor.{key}' for key in NORMALISATION)},
    ),
}  # fmt: skip


@pytest.fixture(autouse=True)
def scope():
    init_default_scope('mmseg')


@cache
def load(name):
    return Config.fromfile(FOLDER / f'{name}.py')


@cache
def on_meta(name):
    return build_on_meta(load(name).model)


def test_every_documented_network_is_a_row_and_every_row_a_config():
    assert {'vanilla', 'dlse', 'dlse_sf', 'dlse_hed', 'hed_edges'} <= set(ROWS)
    assert set(LEAVES) == set(ROWS)


def test_claims_of_the_report_are_all_served():
    assert {claim for row in ROWS.values() for claim in row.claims} == {f'S{number:02}' for number in range(1, 9)}


@pytest.mark.parametrize('name', SINGLE_CHANGES)
def test_a_row_changes_what_it_says_and_nothing_else(name):
    other, keys = SINGLE_CHANGES[name]
    assert changed_keys(load(name), load(other)) == keys


def test_edge_rows_are_the_gated_network_with_an_edge_map():
    edges, gated = (flat(load(name).to_dict()) for name in ('dlse_hed', 'dlse'))
    assert {key for key in gated if edges.get(key) != gated[key]} == {'model.type', 'protocol.cost.input_shape'}
    added = {key for key in edges.keys() - gated.keys() if not key.startswith('model.edge_')}
    assert added == {'model.backbone.edge_channel', TRAIN_EDGES, TEST_EDGES, 'protocol.start'}


def test_edges_of_the_arms_are_those_of_the_four_readings():
    keys = ('train_edges', 'test_edges', 'edge_scale')
    found = {
        name.removeprefix('dlse_hed'): tuple(load(name).model[key] for key in keys)
        for name in LEAVES
        if name.startswith('dlse_hed')
    }
    assert found == {
        '': ('photo', 'photo', 1.0),
        '__unscaled': ('photo', 'photo', 255.0),
        '__mismatched': ('labels', 'photo', 1.0),
        '__mismatched_unscaled': ('labels', 'photo', 255.0),
        '__label_edges': ('labels', 'labels', 1.0),
        '__released_detector': ('photo', 'photo', 1.0),
    }


@pytest.mark.parametrize('name', [name for name in NETWORKS if 'direct' not in name])
def test_sizes_grow_from_the_best_of_the_one_before_with_the_documented_batches(name):
    protocol = load(name).protocol
    stages = [{'batch_size': protocol.batch_size, 'scale': 1.0, 'start': 'last', **stage} for stage in protocol.stages]
    assert [stage['batch_size'] for stage in stages] == [16, 8, 4]
    assert [stage['start'] for stage in stages] == ['last', 'best', 'best']
    height, width = protocol.train_view.size
    sizes = [(height * stage['scale'], width * stage['scale']) for stage in stages]
    assert sizes == [pytest.approx(documented, abs=8) for documented in ((128, 224), (256, 448), (512, 912))]


@pytest.mark.parametrize('name', NETWORKS)
def test_every_network_is_trained_by_adam_at_the_documented_rate_and_nothing_else(name):
    config = load(name)
    assert config.optimizer == dict(type='Adam', lr=1e-5)
    assert config.protocol.schedule == [dict(kind='constant')]
    assert config.protocol.augment == []
    assert sum(stage.epochs for stage in config.protocol.stages) == config.protocol.epochs


def training_gmacs(name):
    """Multiply-adds for one image over all stages, with the sizes as documented."""
    per_size = {row.input_shape[1] / 512: row.gmacs for row in ROWS['vanilla'].recomputed}
    return sum(stage.epochs * per_size[stage.get('scale', 1.0)] for stage in load(name).protocol.stages)


def test_the_arm_at_equal_cost_costs_what_the_growing_image_does_and_the_other_what_is_said():
    grown = training_gmacs('vanilla')
    assert training_gmacs('vanilla__direct_equal_cost') == pytest.approx(grown, rel=5e-3)
    assert training_gmacs('vanilla__direct') == pytest.approx(2.3 * grown, rel=5e-3)
    assert load('vanilla__direct').protocol.epochs == load('vanilla').protocol.epochs


RECOMPUTED = [(name, cost) for name in ROWS for cost in ROWS[name].recomputed]


@pytest.mark.parametrize(('name', 'documented'), RECOMPUTED, ids=[f'{n}-{c.input_shape}' for n, c in RECOMPUTED])
def test_counts_are_the_recomputed_ones(name, documented):
    model = on_meta(name)
    counted = count(model, documented.input_shape, False)
    alone = sum(p.numel() for p in model.backbone.parameters())
    # The source draws its edge maps beforehand: at four channels the detector takes no part.
    params = alone if documented.input_shape[0] == 4 else counted['params']
    assert params == round(documented.params_millions * 1e6)
    assert counted['macs'] / 1e9 == pytest.approx(documented.gmacs, abs=6e-3)


def test_gates_add_a_million_parameters_and_no_multiply_adds_to_speak_of():
    plain, gated = (count(on_meta(name), (3, 512, 912), False) for name in ('vanilla', 'dlse'))
    assert gated['params'] - plain['params'] == 951_600
    assert gated['macs'] - plain['macs'] < 1e-4 * plain['macs']


@pytest.mark.parametrize('name', LEAVES)
def test_cost_is_that_of_the_documented_input(name):
    protocol = load(name).protocol
    channels = 4 if name.startswith('dlse_hed') else 3
    size = (1024, 2048) if name in DETECTORS else (512, 912)
    assert tuple(protocol.cost.input_shape) == (channels, *size)
    assert ROWS[name].recomputed == () or tuple(protocol.cost.input_shape) in {
        row.input_shape for row in ROWS[name].recomputed
    }


GUIDED = [name for name in LEAVES if load(name).protocol.get('start')]


def test_rows_that_show_edges_of_photographs_have_a_detector_and_only_they():
    shows = {name for name in LEAVES if 'photo' in (load(name).model.get(k) for k in ('train_edges', 'test_edges'))}
    assert set(GUIDED) == shows == {name for name in LEAVES if load(name).model.get('edge_branch')}
    assert len(shows) == 5


@pytest.mark.parametrize('name', GUIDED)
def test_the_detector_is_the_parents_whole_and_sees_images_as_in_its_training(name):
    [start] = load(name).protocol.start
    parent = start.parent.split('/')[1]
    theirs = {key: tensor.shape for key, tensor in on_meta(parent).state_dict().items() if key.startswith(start.of)}
    ours = {key: tensor.shape for key, tensor in on_meta(name).state_dict().items() if key.startswith(start.into)}
    assert ours == {start.into + key.removeprefix(start.of): shape for key, shape in theirs.items()}
    assert len(ours) == 2 * (13 + 5 + 1)
    drawn, trained = MODELS.build(load(name).model.edge_branch), load(parent).model.data_preprocessor
    assert drawn.mean.flatten().tolist() == pytest.approx(trained.mean)
    assert drawn.std.flatten().tolist() == pytest.approx(trained.std)
    assert drawn.bgr_to_rgb == trained.bgr_to_rgb


def test_a_detector_is_no_model_to_score():
    assert [name for name in LEAVES if not load(name).protocol.get('score', True)] == DETECTORS
    assert load('hed_edges__released').protocol.stages == []


def narrow(name):
    """Return the model at a quarter of its width."""
    model = copy.deepcopy(load(name).model)
    if name not in DETECTORS:
        model.backbone.width = 16
    return model


@pytest.mark.parametrize('name', LEAVES)
def test_a_narrow_build_takes_a_step_that_reaches_every_weight_and_predicts(name):
    torch.manual_seed(0)
    config = load(name)
    model = MODELS.build(narrow(name))
    images = [torch.randint(0, 256, (3, 64, 80), dtype=torch.uint8) for _ in range(2)]
    samples = []
    for _ in images:
        sample = SegDataSample(metainfo=dict(img_shape=(64, 80), ori_shape=(64, 80)))
        blocks = torch.randint(0, config.protocol.num_classes, (1, 8, 10))
        sample.gt_sem_seg = PixelData(data=blocks.repeat_interleave(8, 1).repeat_interleave(8, 2))
        samples.append(sample)
    batch = model.data_preprocessor(dict(inputs=images, data_samples=samples), training=True)
    trained = {key: p for key, p in model.named_parameters() if p.requires_grad}
    assert {key for key, _ in model.named_parameters()} - set(trained) == {
        key for key, _ in model.named_parameters() if key.startswith('edge_branch.')
    }
    optimizer = torch.optim.Adam(trained.values(), lr=config.optimizer.lr)
    loss, _ = model.parse_losses(model.loss(batch['inputs'], batch['data_samples']))
    loss.backward()
    assert [key for key, p in trained.items() if p.grad is None] == []
    before = {key: p.detach().clone() for key, p in trained.items()}
    optimizer.step()
    assert torch.isfinite(loss)
    assert any(not torch.equal(p, before[key]) for key, p in trained.items())
    model.eval()
    with torch.no_grad():
        (result,) = model.predict(batch['inputs'][:1], samples[:1])
    assert result.pred_sem_seg.data.shape == (1, 64, 80)
    assert int(result.pred_sem_seg.data.max()) < config.protocol.num_classes
