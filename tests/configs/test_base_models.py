"""Exact parameters and documented operations of the model bases, each with the overrides that its reports make."""

from pathlib import Path

import pytest
from mmengine.config import Config

import custom_ops  # noqa: F401  (registers what the configs name)
from bench.measure.cost import build_on_meta, count

MODELS = Path(__file__).parents[2] / 'configs' / '_base_' / 'models'

KITTI = (3, 375, 1242)
R101, R152 = dict(depth=101), dict(depth=152)
STRIDE_16 = dict(strides=(1, 2, 2, 1), dilations=(1, 1, 1, 2))
DEPTH = dict(contract_dilation=False, multi_grid=(2, 4, 8), **STRIDE_16)
HALVED_ASPP = dict(dilations=(1, 6, 12, 18))
TWO_CONVS = dict(HALVED_ASPP, decoder_dropouts=(0.5, 0.1))
EDGES = dict(edge_branch=None, train_edges='labels', test_edges='labels')

# name: (base, backbone and head overrides, K, input shape, auxiliary counted, parameters in training, GMAC)
ROWS = {
    'enet at its documented size': ('enet', {}, {}, 11, (3, 360, 480), False, 363_791, 1.2706),
    'enet on cityscapes': ('enet', {}, {}, 19, (3, 512, 1024), False, 364_311, 3.922),
    'enet on kitti': ('enet', {}, {}, 19, KITTI, False, 364_311, 6.84 / 2),
    'hed': ('hed', {}, {}, None, (3, 320, 480), False, 14_716_171, 47.0),
    'squeeze_edge, small': ('preact_deeplab', {}, {}, 29, (3, 128, 224), False, 39_257_053, 5.14),
    'squeeze_edge, middle': ('preact_deeplab', {}, {}, 29, (3, 256, 448), False, 39_257_053, 20.57),
    'squeeze_edge, large': ('preact_deeplab', {}, {}, 29, (3, 512, 912), False, 39_257_053, 83.75),
    'squeeze_edge, gates': (
        'preact_deeplab', dict(excitation={}), {}, 29, (3, 512, 912), False, 40_208_653, 83.75),
    'squeeze_edge, edges': ('preact_deeplab_edges', {}, {}, 29, (4, 512, 912), False, 40_211_861, 84.148),
    'unet_r18': ('unet_resnet', {}, {}, 11, (3, 352, 480), False, 14_329_659, 14.16),
    'unet_r101': ('unet_resnet', R101, {}, 11, (3, 352, 480), False, 51_514_683, 40.16),
    'deeplabv3_r50': ('deeplabv3_resnet', {}, {}, 19, KITTI, True, None, 620.55 / 2),
    'deeplabv3_r101': ('deeplabv3_resnet', R101, {}, 19, KITTI, True, None, 898.79 / 2),
    'deeplabv3_mobilenetv3': ('deeplabv3_mobilenetv3', {}, {}, 19, KITTI, False, None, 35.85 / 2),
    'deeplabv3plus of kitti_ablation': (
        'deeplabv3plus_resnet', R101 | STRIDE_16, HALVED_ASPP, 19, KITTI, False, 58_753_459, 286.79 / 2),
    'the same at stride 8': ('deeplabv3plus_resnet', R101, {}, 19, KITTI, False, 58_753_459, 896.53 / 2),
    'deeplab_depth, R101': (
        'deeplabv3plus_resnet', R101 | DEPTH, TWO_CONVS, 19, (3, 513, 513), False, 59_343_795, 92.81),
    'deeplab_depth, R152': (
        'deeplabv3plus_resnet', R152 | DEPTH, TWO_CONVS, 19, (3, 513, 513), False, 74_987_443, 113.29),
    'separable': ('deeplabv3plus_separable_resnet', {}, {}, 19, (3, 512, 1024), False, None, 507.5),
}  # fmt: skip

# base, trunk depth, K: parameters with the auxiliary head and without; None where only millions are documented
WITH_AND_WITHOUT = {
    ('deeplabv3_resnet', 50, 21): (42_004_074, 39_638_869),
    ('deeplabv3_resnet', 101, 21): (60_996_202, 58_630_997),
    ('deeplabv3_mobilenetv3', None, 21): (11_029_328, 11_025_477),
}


def with_classes(model, num_classes):
    for head in ('backbone', 'decode_head', 'auxiliary_head'):
        if 'num_classes' in model.get(head, {}):
            model[head].num_classes = num_classes
    return model


def read(base, backbone, head, num_classes):
    model = Config.fromfile(MODELS / f'{base}.py').model
    model.backbone.update(backbone)
    model.decode_head.update(head)
    if model.type == 'EdgeGuidedSegmentor':
        # The source's HED ran beforehand: its counts are those of the network alone.
        model.update(EDGES)
    return with_classes(model, num_classes) if num_classes else model


def test_every_base_of_these_reports_is_counted():
    ours = {'enet', 'hed', 'preact_deeplab', 'preact_deeplab_edges', 'unet_resnet', 'deeplabv3_resnet'}
    ours |= {'deeplabv3_mobilenetv3', 'deeplabv3plus_resnet', 'deeplabv3plus_separable_resnet'}
    assert {row[0] for row in ROWS.values()} == ours
    assert ours <= {path.stem for path in MODELS.glob('*.py')}


@pytest.mark.parametrize('name', ROWS)
def test_parameters_are_exact_and_operations_within_half_a_percent(name):
    base, backbone, head, num_classes, shape, auxiliary, params, giga = ROWS[name]
    counted = count(build_on_meta(read(base, backbone, head, num_classes)), shape, auxiliary)
    assert params is None or counted['params'] == params
    assert counted['macs'] / 1e9 == pytest.approx(giga, rel=5e-3)


@pytest.mark.parametrize('key', WITH_AND_WITHOUT)
def test_torchvision_layouts_have_its_parameters(key):
    base, depth, num_classes = key
    counted = count(build_on_meta(read(base, dict(depth=depth) if depth else {}, {}, num_classes)), (3, 64, 64), False)
    assert (counted['params'], counted['params_deployed']) == WITH_AND_WITHOUT[key]


def test_separable_deeplabv3plus_has_the_toolboxs_parameters():
    counted = count(build_on_meta(read('deeplabv3plus_separable_resnet', {}, {}, 19)), (3, 64, 64), False)
    assert round(counted['params'] / 1e6, 3) == 62.582
    assert round(counted['params_deployed'] / 1e6, 3) == 60.217


UNETS = [(18, 1, 14_328_209), (101, 1, 51_513_233), (101, 19, 51_515_843)]


@pytest.mark.parametrize(('depth', 'num_classes', 'params'), UNETS)
def test_unets_with_other_classes(depth, num_classes, params):
    model = build_on_meta(read('unet_resnet', dict(depth=depth), {}, num_classes).backbone)
    assert sum(p.numel() for p in model.parameters()) == params
