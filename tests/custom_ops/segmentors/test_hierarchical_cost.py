"""Multiply-adds of hierarchical and explicit attention over ResNet-50 at 512x1024, 19 classes; claim H10."""

import pytest

from bench.measure.cost import build_on_meta, count

R50 = dict(
    type='ResNet',
    depth=50,
    num_stages=4,
    out_indices=(0, 1, 2, 3),
    strides=(1, 2, 1, 1),
    dilations=(1, 1, 2, 4),
    contract_dilation=True,
    style='pytorch',
    norm_cfg=dict(type='BN'),
)
LOSS = dict(type='CrossEntropyLoss', avg_non_ignore=True)
PAPER = dict(type='ScaleSemanticHead', in_channels=2048, in_index=3, low_channels=256, num_classes=19, loss_decode=LOSS)
PAPER_ATTENTION = dict(type='ScaleAttentionHead', in_channels=304, reads='decoder')
REPORT = dict(
    type='DeepLabV3PlusHead',
    in_channels=2048,
    in_index=3,
    low_channels=256,
    num_classes=19,
    dilations=(1, 12, 24, 36),
    decoder_dropouts=(0.0,),
    loss_decode=LOSS,
)
REPORT_ATTENTION = dict(type='DeconvAttentionHead', in_channels=2048)


def giga_macs(scales, decoder=PAPER, attention=PAPER_ATTENTION, kind='HierarchicalSegmentor', **options):
    config = dict(type=kind, backbone=R50, decode_head=decoder, attention_head=attention, scales=scales, **options)
    return count(build_on_meta(config), (3, 512, 1024), count_auxiliary=False)['macs'] / 1e9


@pytest.mark.parametrize(
    ('scales', 'attend_highest', 'expected'),
    [((1.0,), False, 365), ((1.0,), True, 407), ((0.5, 1.0), True, 509), ((0.5, 1.0, 2.0), True, 2139)],
)
def test_multiply_adds_with_the_papers_head_are_those_measured(scales, attend_highest, expected):
    assert giga_macs(scales, attend_highest=attend_highest) == pytest.approx(expected, rel=0.002)


def test_multiply_adds_with_the_reports_head_are_those_measured():
    """One trunk per scale: the attention, dearer than the network, sits on the lower scale only."""
    single = giga_macs((1.0,), REPORT, REPORT_ATTENTION, attend_highest=False)
    assert single == pytest.approx(346, rel=0.002)
    assert giga_macs((1.0,), REPORT, REPORT_ATTENTION) - single == pytest.approx(542, rel=0.002)
    pair = giga_macs((0.5, 1.0), REPORT, REPORT_ATTENTION, shared_trunk=False)
    assert pair == pytest.approx(1.25 * single + 0.25 * 542, rel=0.002)


def trunk_macs(kind, scales, attention):
    config = dict(type=kind, backbone=R50, decode_head=PAPER, attention_head=attention, scales=scales)
    model = build_on_meta(config)
    sizes = []
    model.backbone.register_forward_pre_hook(lambda _, inputs: sizes.append(inputs[0].shape[1:]))
    count(model, (3, 512, 1024), count_auxiliary=False)
    return sum(count(model.backbone, tuple(size), count_auxiliary=False)['macs'] for size in list(sizes))


def test_without_heads_training_costs_5_25_explicitly_and_1_25_hierarchically():
    """Claim H10, counted over the trunk's convolutions alone."""
    explicit = dict(type='ExplicitAttentionHead', in_channels=304, reads='decoder')
    single = trunk_macs('HierarchicalSegmentor', (1.0,), PAPER_ATTENTION)
    assert trunk_macs('HierarchicalSegmentor', (0.5, 1.0), PAPER_ATTENTION) / single == 1.25
    assert trunk_macs('ExplicitScaleSegmentor', (0.5, 1.0, 2.0), explicit) / single == 5.25


def test_with_heads_training_costs_5_6_explicitly_and_1_4_hierarchically():
    """Claim H10 with what the arithmetic leaves out; the report's own head makes it 1.64 instead of 1.25."""
    explicit = dict(type='ExplicitAttentionHead', in_channels=304, reads='decoder')
    single = giga_macs((1.0,), attend_highest=False)
    assert giga_macs((0.5, 1.0)) / single == pytest.approx(1.395, abs=0.002)
    all_scales = giga_macs((0.5, 1.0, 2.0), attention=explicit, kind='ExplicitScaleSegmentor')
    assert all_scales / single == pytest.approx(5.627, abs=0.002)
    single = giga_macs((1.0,), REPORT, REPORT_ATTENTION, attend_highest=False)
    pair = giga_macs((0.5, 1.0), REPORT, REPORT_ATTENTION, shared_trunk=False)
    assert pair / single == pytest.approx(1.64, abs=0.005)
