import pytest
import torch
from mmengine.registry import init_default_scope
from mmseg.models.segmentors import EncoderDecoder
from torch import nn
from torch.nn import functional as F

from custom_ops.heads import DeepLabV3Head

LOSS = dict(type='CrossEntropyLoss', avg_non_ignore=True)
K = 3


@pytest.fixture(autouse=True)
def scope():
    init_default_scope('mmseg')


def build(**options):
    return DeepLabV3Head(**(dict(in_channels=12, num_classes=5, channels=8, loss_decode=LOSS) | options))


def test_forward_is_the_same_as_the_layers_written_out():
    torch.manual_seed(0)
    head, x = build(dilations=(1, 2, 3)).eval(), torch.randn(2, 12, 7, 9)

    def layer(module, inputs):
        return F.relu(module.bn(module.conv(inputs)))

    mean = layer(head.image_pool[1], x.mean((2, 3), keepdim=True)).expand(-1, -1, 7, 9)
    joined = torch.cat([mean, *(layer(m, x) for m in head.aspp_modules)], 1)
    y = layer(head.bottleneck[2], layer(head.bottleneck[0], joined))
    torch.testing.assert_close(head([x]), head.conv_seg(y))


def test_projection_is_1x1_and_the_last_convolution_3x3():
    head = build()
    assert [m.conv.kernel_size for m in head.bottleneck if hasattr(m, 'conv')] == [(1, 1), (3, 3)]
    assert [m.conv.dilation[0] for m in head.aspp_modules] == [1, 12, 24, 36]
    assert [m.p for m in head.modules() if isinstance(m, nn.Dropout | nn.Dropout2d)] == [0.5]


def network(trunk, head):
    aux = dict(
        type='FCNHead', in_channels=trunk.pop('aux'), in_index=trunk.pop('aux_index'), channels=4, num_convs=1,
        concat_input=False, num_classes=K, norm_cfg=dict(type='BN'), loss_decode=dict(LOSS, loss_weight=0.5),
    )  # fmt: skip
    norm = dict(num_classes=K, norm_cfg=dict(type='BN'), loss_decode=LOSS)
    return EncoderDecoder(backbone=trunk, decode_head=norm | head, auxiliary_head=aux, test_cfg=dict(mode='whole'))


RESNET = dict(
    type='ResNet', depth=18, base_channels=8, stem_channels=8, dilations=(1, 1, 2, 4), strides=(1, 2, 1, 1),
    norm_cfg=dict(type='BN'), aux=32, aux_index=2,
)  # fmt: skip
PYRAMID = dict(in_channels=64, in_index=3, channels=16, dilations=(1, 2, 4, 6))
PLUS = dict(low_channels=8, low_projection=4, aspp_dropout=0.1, decoder_dropouts=(0.0,))
LAYOUTS = {
    'v3': (RESNET, dict(type='DeepLabV3Head', aspp_dropout=0.1, **PYRAMID)),
    'v3+': (RESNET, dict(type='DeepLabV3PlusHead', **PYRAMID, **PLUS)),
}


@pytest.mark.parametrize('layout', LAYOUTS)
def test_deeplabs_learn_one_batch(layout, scene, samples, overfit):
    torch.manual_seed(0)
    trunk, head = LAYOUTS[layout]
    images, labels = scene
    first, last, score = overfit(
        network(dict(trunk), head),
        images,
        labels,
        loss=lambda net: net.parse_losses(net.loss(images, samples))[0],
        predict=lambda net: F.interpolate(net(images), images.shape[-2:], mode='bilinear').argmax(1),
        rate=1e-2,
    )
    assert last < first / 4
    assert score > 90
