import pytest
import torch
from mmengine.registry import init_default_scope
from torch import nn
from torch.nn import functional as F

from custom_ops.heads import PooledPyramidHead

LOSS = dict(type='CrossEntropyLoss', avg_non_ignore=True)
WIDTHS = (8, 12, 16, 24)
SIZES = ((17, 23), (9, 12), (5, 6), (5, 6))


@pytest.fixture(autouse=True)
def scope():
    init_default_scope('mmseg')


@pytest.fixture
def stages():
    torch.manual_seed(0)
    return [torch.randn(2, width, *size) for width, size in zip(WIDTHS, SIZES, strict=True)]


def build(**options):
    return PooledPyramidHead(**(dict(in_channels=WIDTHS, channels=8, num_classes=5, loss_decode=LOSS) | options))


def test_forward_is_the_same_as_the_layers_written_out(stages):
    head, (first, second, third, fourth) = build().eval(), stages

    def layer(module, inputs):
        return F.relu(module.bn(module.conv(inputs)))

    def up(inputs, to):
        return F.interpolate(inputs, to.shape[-2:], mode='bilinear', align_corners=True)

    branches = zip((1, 2, 4, 6), head.pooled, strict=True)
    means = [up(layer(branch[1], F.adaptive_avg_pool2d(fourth, side)), fourth) for side, branch in branches]
    top = head.laterals[2](layer(head.joined[0], torch.cat([fourth, *means], 1)))
    plain_lower, plain_low = head.laterals[1](third), head.laterals[0](second)
    lower, low, finest = plain_lower + up(top, third), plain_low + up(plain_lower, second), first + up(plain_low, first)
    levels = [head.smooth(finest), *(up(x, first) for x in (head.smooth(low), head.smooth(lower), top))]
    expected = head.conv_seg(layer(head.fused, torch.cat(levels, 1)))
    torch.testing.assert_close(head(stages), expected)


def test_channels_are_dropped_after_pooling_alone():
    dropping = [module for module in build().modules() if isinstance(module, nn.Dropout2d)]
    assert [module.p for module in dropping] == [0.1]


def test_every_weight_learns(stages):
    head = build()
    head(stages).square().mean().backward()
    assert all(parameter.grad is not None and parameter.grad.any() for parameter in head.parameters())


@pytest.mark.parametrize(
    ('options', 'rule'),
    [
        ({'channels': 16}, 'the first stage has 8 channels and enters a pyramid of 16 as it is'),
        ({'bins': (1, 2, 3, 4, 6)}, '24 channels of the last stage cannot be shared equally among 5 bins'),
    ],
)
def test_widths_that_do_not_fit_are_refused(options, rule):
    with pytest.raises(ValueError, match=rule):
        build(**options)
