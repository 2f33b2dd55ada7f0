import pytest
import torch
from mmseg.models.backbones import MobileNetV2
from torch import nn

from custom_ops.backbones import DilatedMobileNetV2

STRIDE_8 = dict(strides=(1, 2, 2, 1, 1, 1, 1), dilations=(1, 1, 1, 2, 2, 4, 4))


def depthwise(network):
    return [
        module.dilation[0]
        for name, module in network.named_modules()
        if isinstance(module, nn.Conv2d) and module.groups > 1 and name.startswith('layer')
    ]


def test_every_block_of_a_dilated_stage_is_dilated_and_the_first_keeps_the_dilation_before():
    with torch.device('meta'):
        dilations = depthwise(DilatedMobileNetV2(**STRIDE_8))
    blocks = [1, 2, 3, 4, 3, 3, 1]
    expected = [[1], [1] * 2, [1] * 3, [1, 2, 2, 2], [2] * 3, [2, 4, 4], [4]]
    assert [len(stage) for stage in expected] == blocks
    assert dilations == [dilation for stage in expected for dilation in stage]


def test_weights_of_the_toolbox_trunk_fit():
    with torch.device('meta'):
        ours, theirs = DilatedMobileNetV2(**STRIDE_8), MobileNetV2(**STRIDE_8)
    assert {n: p.shape for n, p in ours.state_dict().items()} == {n: p.shape for n, p in theirs.state_dict().items()}


def test_without_dilation_it_is_the_toolbox_trunk():
    torch.manual_seed(0)
    ours, theirs = DilatedMobileNetV2(), MobileNetV2()
    ours.eval()
    theirs.eval()
    theirs.load_state_dict(ours.state_dict())
    with torch.no_grad():
        images = torch.randn(1, 3, 64, 64)
        for a, b in zip(ours(images), theirs(images), strict=True):
            torch.testing.assert_close(a, b)


@pytest.mark.parametrize('size', [(64, 96)])
def test_output_strides_and_widths(size):
    with torch.device('meta'):
        outputs = DilatedMobileNetV2(**STRIDE_8)(torch.empty(1, 3, *size))
    assert [tuple(o.shape[1:]) for o in outputs] == [(24, 16, 24), (32, 8, 12), (96, 8, 12), (320, 8, 12)]
