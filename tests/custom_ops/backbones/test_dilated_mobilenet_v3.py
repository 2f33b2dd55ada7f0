import pytest
import torch
from mmcv.cnn.bricks import Conv2dAdaptivePadding
from torch import nn

from custom_ops.backbones import DilatedMobileNetV3


def on_meta(**options):
    with torch.device('meta'):
        network = DilatedMobileNetV3(**options)
    return network.eval()


def depthwise(network):
    return [m for m in network.modules() if isinstance(m, nn.Conv2d) and m.groups > 1]


def test_strides_and_dilations_are_torchvisions():
    convs = depthwise(on_meta())
    assert [c.stride[0] for c in convs] == [1, 2, 1, 2, 1, 1, 2, 1, 1, 1, 1, 1, 1, 1, 1]
    assert [c.dilation[0] for c in convs] == [1] * 12 + [2] * 3


def test_padding_is_even():
    network = on_meta()
    assert not any(isinstance(m, Conv2dAdaptivePadding) for m in network.modules())
    assert all(c.padding[0] == c.dilation[0] * (c.kernel_size[0] // 2) for c in depthwise(network))


@pytest.mark.parametrize('size', [(64, 64), (375, 1242)])
def test_features_lie_at_strides_8_and_16(size):
    fine, coarse = on_meta()(torch.empty(1, 3, *size, device='meta'))

    def grid(stride):
        return tuple(-(-side // stride) for side in size)

    assert fine.shape[1:] == (40, *grid(8))
    assert coarse.shape[1:] == (960, *grid(16))


def test_statistics_move_as_slowly_as_in_the_source():
    norms = [m for m in on_meta().modules() if isinstance(m, nn.BatchNorm2d)]
    assert {(norm.eps, norm.momentum) for norm in norms} == {(1e-3, 0.01)}


@pytest.mark.parametrize('indices', [(), (17,), (-1, 4)])
def test_layers_not_offered_are_refused(indices):
    with pytest.raises(ValueError, match=r'out_indices \(.*\): choose from the layers 0 to 16'):
        DilatedMobileNetV3(out_indices=indices)
