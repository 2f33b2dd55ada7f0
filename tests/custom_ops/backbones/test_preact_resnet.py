import torch
from torch import nn

from custom_ops.backbones.preact_resnet import PreActBottleneck, PreActResNet
from custom_ops.branches import SqueezeExcitation


def on_meta(gate=None):
    with torch.device('meta'):
        return PreActResNet(3, 64, gate).eval()


def blocks(trunk):
    return [m for m in trunk.modules() if isinstance(m, PreActBottleneck)]


def test_maps_lie_at_strides_4_8_and_16():
    maps = on_meta()(torch.empty(1, 3, 128, 224, device='meta'))
    assert [tuple(m.shape[1:]) for m in maps] == [(64, 32, 56), (64, 16, 28), (2048, 8, 14)]


def test_windows_lie_where_keras_puts_them():
    """A cell of the pooled stem sees three of its rows from 2i on, and such a row seven of the image from 2k - 2 on."""
    torch.manual_seed(0)
    trunk = PreActResNet(3, 16, None).eval()
    # Positive throughout, so that the ReLU hides nothing; over many images each row of the pool is once the largest.
    trunk.stem[0].weight.data.uniform_(0.1, 1)
    images = torch.rand(1, 3, 64, 96, requires_grad=True)
    seen = torch.zeros(64, 96)
    for _ in range(40):
        images.data.uniform_()
        [grad] = torch.autograd.grad(trunk(images)[0][0, :, 2, 5].sum(), images)
        seen += grad.abs().sum((0, 1))
    rows, columns = seen.nonzero(as_tuple=True)
    assert (rows.min(), rows.max()) == (4 * 2 - 2, 4 * 2 + 8)
    assert (columns.min(), columns.max()) == (4 * 5 - 2, 4 * 5 + 8)


def test_running_statistics_keep_99_percent():
    assert {m.momentum for m in on_meta({}).modules() if isinstance(m, nn.BatchNorm2d)} == {0.01}


def test_strides_are_given_up_for_dilation_in_the_last_stage():
    found = [(b.reduce.stride[0], b.rest[1].dilation[0]) for b in blocks(on_meta())]
    assert found == [(2, 1), (1, 1), (1, 1), (2, 1), *[(1, 1)] * 9, *[(1, 4)] * 3]


def test_thirteen_blocks_are_gated_and_the_dilated_ones_are_not():
    gated = [isinstance(b.gate, SqueezeExcitation) for b in blocks(on_meta({}))]
    assert gated == [True] * 13 + [False] * 3
    assert not any(isinstance(m, SqueezeExcitation) for m in on_meta().modules())


def test_every_convolution_has_a_bias_and_four_shortcuts_are_convolved():
    trunk = on_meta()
    assert all(m.bias is not None for m in trunk.modules() if isinstance(m, nn.Conv2d))
    assert [index for index, b in enumerate(blocks(trunk)) if b.shortcut is not None] == [0, 3, 7, 13]


def test_block_is_the_same_as_its_layers_written_out():
    torch.manual_seed(0)
    block = PreActBottleneck(8, 4, 2, 1, dict(ratio=2)).eval()
    x = torch.randn(2, 8, 8, 8)
    norm1, norm2, norm3 = block.activate[0], block.rest[0][0], block.rest[2][0]
    ready = torch.relu(norm1(x))
    reduced = block.reduce(ready)
    y = block.rest[3](torch.relu(norm3(block.rest[1](torch.relu(norm2(reduced))))))
    y = block.gate(y) + block.shortcut(x)
    found, also_reduced = block.with_reduced(x)
    torch.testing.assert_close(found, y)
    # The decoder reads this map; the next layer's activation must not have changed it in place.
    torch.testing.assert_close(also_reduced, reduced)
