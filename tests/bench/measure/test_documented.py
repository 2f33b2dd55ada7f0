import pytest

from bench import paths
from bench.measure import documented
from bench.measure.cost import build_on_meta, count
from bench.measure.documented import count_documented

CONFIGS = paths.configs_dir()
TRUNK = dict(
    type='ResNet', depth=18, num_stages=4, out_indices=(0, 1, 2, 3), strides=(1, 2, 1, 1), dilations=(1, 1, 2, 4),
    style='pytorch', norm_cfg=dict(type='BN'),
)  # fmt: skip
DECODER = dict(type='ScaleSemanticHead', in_channels=512, in_index=3, low_channels=64, num_classes=5)
HIERARCHICAL = dict(type='ScaleAttentionHead', in_channels=304, reads='decoder')
EXPLICIT = dict(type='ExplicitAttentionHead', in_channels=304, reads='decoder')
MODELS = {
    'single': dict(type='EncoderDecoder', test_cfg=dict(mode='whole')),
    'hierarchical': dict(type='HierarchicalSegmentor', attention_head=HIERARCHICAL, scales=(0.5, 1.0)),
    'own_trunks': dict(
        type='HierarchicalSegmentor', attention_head=HIERARCHICAL, scales=(0.5, 1.0), shared_trunk=False
    ),
    'added_scales': dict(
        type='HierarchicalSegmentor', attention_head=HIERARCHICAL, scales=(0.5, 1.0),
        test_cfg=dict(scales=(0.5, 1.0, 2.0), flip=True),
    ),
    'explicit': dict(type='ExplicitScaleSegmentor', attention_head=EXPLICIT, scales=(0.5, 1.0, 2.0)),
}  # fmt: skip
SHAPE = (3, 128, 256)


@pytest.fixture(scope='module')
def counted():
    return {
        name: documented._count_training(build_on_meta(dict(backbone=TRUNK, decode_head=DECODER, **config)), SHAPE)
        for name, config in MODELS.items()
    }


def test_trunks_cost_what_their_scales_have_pixels(counted):
    """The arithmetic of the claims: 0.25 + 1 for two scales, 0.25 + 1 + 4 for three."""
    single = counted['single']['macs_trunk']
    ratios = {name: row['macs_trunk'] / single for name, row in counted.items()}
    assert ratios == pytest.approx(
        dict(single=1, hierarchical=1.25, own_trunks=1.25, added_scales=1.25, explicit=5.25), rel=1e-6
    )


def test_heads_come_on_top_and_scales_added_for_testing_do_not(counted):
    assert counted['added_scales'] == counted['hierarchical']
    assert all(row['macs'] > row['macs_trunk'] for row in counted.values())
    assert counted['explicit']['macs'] > 3 * counted['hierarchical']['macs']


def test_a_model_without_heads_has_the_trunk_of_its_own_count(counted):
    model = build_on_meta(dict(backbone=TRUNK, decode_head=DECODER, **MODELS['single']))
    assert counted['single']['macs'] == count(model, SHAPE, count_auxiliary=True)['macs']
    assert counted['single']['macs_trunk'] == count(model.backbone, SHAPE, count_auxiliary=False)['macs']


def test_an_image_is_counted_as_the_report_counts_it_and_a_sample_as_it_is_trained():
    row = count_documented(CONFIGS / 'kitti_ablation' / 'fcn_r101.py')
    assert row['cost']['input_shape'] == [3, 375, 1242]
    assert row['cost']['flops'] == pytest.approx(807.7e9, rel=1e-3)
    assert row['training']['input_shape'] == [3, 256, 864]
    share = 256 * 864 / (375 * 1242)
    assert row['training']['macs'] == pytest.approx(row['cost']['macs'] * share, rel=0.02)
    assert row['documented'] == {'dataset': 'kitti', 'short_side': 256, 'epochs': 180}


def test_a_crop_has_the_short_side_of_the_image_it_is_cut_from():
    row = count_documented(CONFIGS / 'unet_phases' / 'phase_7_4.py')
    assert row['training']['input_shape'] == [3, 256, 256]
    assert row['documented'] == {'dataset': 'voc9', 'short_side': 375, 'epochs': 100}
