import copy
import re
from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from mmengine.model import BaseModel
from mmengine.registry import init_default_scope
from mmengine.structures import PixelData
from mmseg.registry import MODELS, TRANSFORMS
from mmseg.structures import SegDataSample
from torch.utils.flop_counter import FlopCounterMode

import custom_ops  # noqa: F401  (registers what the configs name)
from bench import catalogue, paths

CONFIGS = Path(__file__).parents[2] / 'configs'
H, W = 64, 96

ROWS = {row.id: row for row in catalogue.load(paths.documented_dir()).experiments.values() if row.status == 'described'}
LEAVES = sorted(
    str(path.relative_to(CONFIGS).with_suffix('')) for path in CONFIGS.glob('*/*.py') if path.parent.name != '_base_'
)


def one_a_network(names):
    """Return one leaf for each network: rates and schedules are no part of it."""
    return sorted({repr(Config.fromfile(CONFIGS / f'{name}.py').model): name for name in reversed(names)}.values())


# Deeper trunks repeat the R50 cases at twice the
# depth and more; squeeze_edge's own tests step narrow builds of its networks, hierarchical_attention's of most arms.
TRAINED = one_a_network(
    [name for name in LEAVES if not re.search('101|15[26]|squeeze_edge|three_stage|two_stage__|added_scales', name)]
)

TOP_LEVEL = {'model', 'optimizer', 'protocol'}
PROTOCOL = {
    'dataset', 'documented_images', 'samples_per_image', 'num_classes', 'epochs', 'batch_size', 'train_view',
    'test_view', 'stride', 'augment', 'schedule', 'weights', 'cost',
}  # fmt: skip
OPTIONAL = {'start', 'stages', 'auto_label', 'select', 'score'}
VIEWS = {'whole': {'kind', 'size'}, 'crop': {'kind', 'size', 'short_side', 'how', 'scale'}, 'native': {'kind'}}
SCHEDULES = {
    'constant': {'kind'},
    'poly': {'kind', 'power'},
    'step': {'kind', 'every_epochs', 'gamma'},
    'multistep': {'kind', 'at_epochs', 'gamma'},
    'plateau': {'kind', 'factor', 'patience_epochs'},
}
CLASSES = {'kitti': 19, 'voc9': 10, 'cityscapes20': 20, 'cityscapes19': 19, 'cityscapes29': 29}
IMAGES = {'kitti': 150, 'voc9': 900, 'cityscapes20': 2975, 'cityscapes19': 2975, 'cityscapes29': 2975}

# id: (G multiply-adds at the documented size, relative tolerance), from the reports or recomputed from their programs
COSTS = {
    'kitti_ablation/baseline': (132.85 / 2, 0.01),
    'kitti_ablation/optimizer_sgd': (132.85 / 2, 0.01),
    'kitti_ablation/fcn_r50': (530.28 / 2, 0.01),
    'kitti_ablation/fcn_r101': (808.52 / 2, 0.01),
    'unet_phases/phase_1': (37.44, 1e-3),
    'unet_phases/phase_7_4': (8.1006, 1e-4),
    'hierarchical_attention/initial_resnet50_scale_1': (346, 2e-3),
    'deeplab_depth/resnet101': (92.81, 1e-3),
    'deeplab_depth/resnet156': (113.29, 1e-3),
}
PARAMETERS = {
    'kitti_ablation/baseline': 15_279_747,
    'kitti_ablation/optimizer_sgd': 15_279_747,
    'kitti_ablation/fcn_r50': 35.3e6,
    'kitti_ablation/fcn_r101': 54.3e6,
    'unet_phases/phase_1': 2.29e6,
    'unet_phases/phase_7_4': 31_111_866,
    'deeplab_depth/resnet101': 59.34e6,
}
# What the docstrings of the two UPerNets say of their own cost.
UPERNET_GFLOPS = {'kitti_ablation/upernet_r50': 842.2, 'kitti_ablation/upernet_r101': 913.1}

every_leaf = pytest.mark.parametrize('name', LEAVES)


@pytest.fixture(autouse=True)
def scope():
    init_default_scope('mmseg')


def load(name: str) -> Config:
    return Config.fromfile(CONFIGS / f'{name}.py')


def on_meta(config: Config) -> BaseModel:
    with torch.device('meta'):
        return MODELS.build(copy.deepcopy(config.model)).eval()


def parameters(model: BaseModel) -> int:
    return sum(p.numel() for p in model.parameters())


def gmacs(name: str) -> float:
    config = load(name)
    model = on_meta(config)
    with FlopCounterMode(display=False) as counter:
        features = model.extract_feat(torch.empty(1, *config.protocol.cost.input_shape, device='meta'))
        model.decode_head(features)
        if config.protocol.cost.count_auxiliary:
            model.auxiliary_head(features)
    return counter.get_total_flops() / 2e9


def test_configs_and_described_rows_are_the_same_set():
    assert len(ROWS) >= 15
    assert set(LEAVES) == set(ROWS)


@every_leaf
def test_leaf_has_the_keys_that_the_harness_reads_and_no_other(name):
    config = load(name)
    assert set(config.keys()) - {'paramwise_cfg'} == TOP_LEVEL
    assert PROTOCOL <= set(config.protocol) <= PROTOCOL | OPTIONAL


@every_leaf
def test_protocol_values_are_of_the_kinds_agreed(name):
    protocol = load(name).protocol
    for view in (protocol.train_view, protocol.test_view):
        assert set(view) == VIEWS[view.kind]
    assert protocol.train_view.kind in ('whole', 'crop')
    assert protocol.test_view.kind in ('whole', 'native')
    assert protocol.train_view.get('how', 'centre') in ('random', 'centre', 'five', 'five_rotated')
    for step in protocol.schedule:
        assert set(step) == SCHEDULES[step.kind]
    assert set(protocol.cost) == {'input_shape', 'count_auxiliary'}
    assert protocol.num_classes == CLASSES[protocol.dataset]
    assert protocol.documented_images == IMAGES[protocol.dataset]
    assert min(protocol.epochs, protocol.batch_size, protocol.stride, protocol.samples_per_image) >= 1


@every_leaf
def test_parents_are_those_of_the_row(name):
    protocol = load(name).protocol
    named = [one.parent for one in protocol.get('start', ())]
    named += [protocol.auto_label.parent] if protocol.get('auto_label') else []
    assert tuple(dict.fromkeys(named)) == ROWS[name].parents
    assert set(named) <= set(LEAVES)


@every_leaf
def test_docstring_names_source_claims_and_command(name):
    text = (CONFIGS / f'{name}.py').read_text()
    docstring = text.split('"""')[1]
    report = name.split('/')[0]
    assert f'Source: {report}, ' in docstring
    assert re.search(r'^Readings?: ', docstring, flags=re.MULTILINE)
    [claims] = re.findall(r'^Claims: ([A-Z]\d\d(?:, [A-Z]\d\d)*\.|none; )', docstring, flags=re.MULTILINE)
    assert tuple(re.findall(r'[A-Z]\d\d', claims)) == ROWS[name].claims
    assert f'Command: python bench/run_all.py --only {name}\n' in docstring


@every_leaf
def test_every_number_of_classes_is_the_documented_one(name):
    """Whoever changes the data set replaces each of them; none may differ beforehand."""

    def classes(node):
        if isinstance(node, dict):
            return [v for k, v in node.items() if k == 'num_classes'] + [c for v in node.values() for c in classes(v)]
        return [c for item in node for c in classes(item)] if isinstance(node, list | tuple) else []

    config = load(name)
    found = classes(config.model.to_dict())
    # An edge detector tells no classes apart.
    assert found or config.model.decode_head.type == 'EdgeHead'
    assert set(found) <= {config.protocol.num_classes}


@every_leaf
def test_every_cross_entropy_averages_over_valid_pixels(name):
    model = load(name).model
    cascade = model.decode_head if isinstance(model.decode_head, list) else [model.decode_head]
    losses = [head.loss_decode for head in (*cascade, model.get('auxiliary_head')) if head]
    assert all(loss.type in ('RMILoss', 'ClassBalancedLoss') or loss.avg_non_ignore is True for loss in losses)


@pytest.mark.parametrize('name', one_a_network(LEAVES))
def test_no_layer_synchronises_statistics_over_devices(name):
    assert not any(type(m).__name__ == 'SyncBatchNorm' for m in on_meta(load(name)).modules())


@every_leaf
def test_augmentations_and_optimiser_exist(name):
    config = load(name)
    for transform in config.protocol.augment:
        TRANSFORMS.build(transform)
    options = dict(config.optimizer)
    getattr(torch.optim, options.pop('type'))([torch.nn.Parameter(torch.zeros(1))], **options)


@pytest.mark.parametrize('name', COSTS)
def test_documented_cost_holds(name):
    documented, tolerance = COSTS[name]
    assert gmacs(name) == pytest.approx(documented, rel=tolerance)


@pytest.mark.parametrize('name', UPERNET_GFLOPS)
def test_costs_that_differ_are_the_ones_the_docstring_explains(name):
    assert 2 * gmacs(name) == pytest.approx(UPERNET_GFLOPS[name], abs=0.05)
    assert f'Cost: {UPERNET_GFLOPS[name]} GFLOPs here' in (CONFIGS / f'{name}.py').read_text()


@pytest.mark.parametrize('name', PARAMETERS)
def test_documented_parameters_hold(name):
    documented = PARAMETERS[name]
    counted = parameters(on_meta(load(name)))
    assert counted == documented if isinstance(documented, int) else counted == pytest.approx(documented, rel=2e-3)


def test_trunks_are_the_plain_ones():
    expected = {'kitti_ablation/upernet_r50': 23_508_032, 'kitti_ablation/fcn_r101': 42_500_160}
    for name, count in expected.items():
        assert parameters(on_meta(load(name)).backbone) == count


def test_head_rates_are_ten_times_the_trunks():
    config = load('deeplab_depth/resnet101')
    assert config.optimizer.lr == 0.01
    assert config.paramwise_cfg.custom_keys.decode_head.lr_mult == 10.0


def test_deeplab_depth_dilates_as_documented():
    trunk = on_meta(load('deeplab_depth/resnet101')).backbone
    assert [block.conv2.dilation[0] for block in trunk.layer4] == [2, 4, 8]
    assert {block.conv2.dilation[0] for block in trunk.layer3} == {1}


def test_torchvision_layout_keeps_the_first_blocks_dilation():
    trunk = on_meta(load('kitti_ablation/fcn_r50')).backbone
    assert [block.conv2.dilation[0] for block in trunk.layer3] == [1, 2, 2, 2, 2, 2]
    assert [block.conv2.dilation[0] for block in trunk.layer4] == [2, 4, 4]


def labelled(num_classes: int, seed: int) -> SegDataSample:
    generator = torch.Generator().manual_seed(seed)
    sample = SegDataSample(metainfo=dict(img_shape=(H, W), ori_shape=(H, W)))
    labels = torch.randint(0, num_classes, (1, H, W), generator=generator)
    labels[0, :4] = 255
    sample.gt_sem_seg = PixelData(data=labels)
    return sample


@pytest.mark.parametrize('name', TRAINED)
def test_one_training_step_reaches_every_weight_and_a_prediction_follows(name):
    torch.manual_seed(0)
    config = load(name)
    if parameters(on_meta(config)) > 100e6:
        pytest.skip('above 100 M parameters: the tests of its report step a narrow build')
    model = MODELS.build(config.model)
    samples = [labelled(config.protocol.num_classes, seed) for seed in range(2)]
    images = [torch.randint(0, 256, (3, H, W), dtype=torch.uint8) for _ in samples]
    batch = model.data_preprocessor(dict(inputs=images, data_samples=samples), training=True)
    loss, _ = model.parse_losses(model.loss(batch['inputs'], batch['data_samples']))
    loss.backward()
    assert torch.isfinite(loss)
    gradients = {n: p.grad for n, p in model.named_parameters()}
    assert all(g is not None for g in gradients.values()), [n for n, g in gradients.items() if g is None]
    model.eval()
    test = model.data_preprocessor(dict(inputs=images[:1], data_samples=samples[:1]))
    with torch.no_grad():
        (result,) = model.predict(test['inputs'], test['data_samples'])
    assert result.pred_sem_seg.data.shape == (1, H, W)
    assert int(result.pred_sem_seg.data.max()) < config.protocol.num_classes
