import pytest
import torch
from torch import nn
from torch.nn import functional as F

from custom_ops.heads import DeepLabV3PlusHead

LOSS = dict(type='CrossEntropyLoss', avg_non_ignore=True)


def build(**options):
    defaults = dict(in_channels=16, low_channels=6, num_classes=5, channels=8, low_projection=3, loss_decode=LOSS)
    return DeepLabV3PlusHead(**(defaults | options))


def features(batch=2):
    torch.manual_seed(1)
    return [torch.randn(batch, 6, 16, 24), torch.randn(batch, 9, 8, 12), torch.randn(batch, 16, 4, 6)]


def params(head):
    return sum(p.numel() for p in head.parameters())


@pytest.mark.parametrize(
    ('options', 'expected'),
    [
        # ResNet trunk, two 3x3: ASPP 15,206,912 + projection + low level + decoder + classifier, by hand below
        (dict(in_channels=2048, low_channels=256, decoder_dropouts=(0.5, 0.1)), 2),
        (dict(in_channels=2048, low_channels=256, decoder_dropouts=(0.0,)), 1),
        (dict(in_channels=320, low_channels=24, decoder_dropouts=(0.0,)), 1),
    ],
)
def test_parameters_are_those_of_the_layer_list(options, expected):
    trunk, low, convs = options['in_channels'], options['low_channels'], expected
    aspp = trunk * 256 * (1 + 3 * 9 + 1) + 5 * 512
    projection = 1280 * 256 + 512
    decoder = 304 * 256 * 9 + 512 + (convs - 1) * (256 * 256 * 9 + 512)
    classifier = 256 * 19 + 19
    with torch.device('meta'):
        head = build(num_classes=19, channels=256, low_projection=48, **options)
    assert params(head) == aspp + projection + low * 48 + 96 + decoder + classifier


def test_no_convolution_is_separable_and_only_the_classifier_has_a_bias():
    convs = {name: m for name, m in build().named_modules() if isinstance(m, nn.Conv2d)}
    assert len(convs) == 4 + 1 + 1 + 1 + 2 + 1
    assert all(m.groups == 1 for m in convs.values())
    assert [name for name, m in convs.items() if m.bias is not None] == ['conv_seg']


@pytest.mark.parametrize('dilations', [(1, 6, 12, 18), (1, 12, 24, 36)])
def test_dilations_are_those_asked_for(dilations):
    assert tuple(m.conv.dilation[0] for m in build(dilations=dilations).aspp) == dilations


@pytest.mark.parametrize('align_corners', [False, True])
def test_forward_is_the_same_as_the_layers_written_out(align_corners):
    head = build(align_corners=align_corners).eval()
    low, _, deep = inputs = features()

    def layer(module, x):
        return torch.relu(module.bn(module.conv(x)))

    mean = layer(head.image_mean[1], deep.mean((2, 3), keepdim=True))
    mean = F.interpolate(mean, deep.shape[-2:], mode='bilinear', align_corners=align_corners)
    x = torch.cat([*(layer(m, deep) for m in head.aspp), mean], 1)
    x = layer(head.projection[0], x)
    x = F.interpolate(x, low.shape[-2:], mode='bilinear', align_corners=align_corners)
    x = torch.cat([layer(head.low, low), x], 1)
    x = layer(head.decoder[2], layer(head.decoder[0], x))
    torch.testing.assert_close(head(inputs), head.conv_seg(x))


def test_dropouts_stand_after_the_projection_and_after_each_decoder_convolution():
    head = build(aspp_dropout=0.3, decoder_dropouts=(0.5, 0.1))
    assert head.projection[1].p == 0.3
    assert [m.p for m in head.decoder if isinstance(m, nn.Dropout)] == [0.5, 0.1]
    assert head.dropout is None


def test_a_decoder_without_convolutions_is_refused():
    with pytest.raises(ValueError, match='decoder_dropouts is empty'):
        build(decoder_dropouts=())
