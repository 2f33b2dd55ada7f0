import pytest
import torch
from torch import nn

from custom_ops.backbones import PreActDeepLab
from custom_ops.backbones.preact_deeplab import ContextPyramid, separable

PARAMETERS = {
    'plain': ({}, 39_257_053),
    'gates': (dict(excitation={}), 40_208_653),
    'edges': (dict(excitation={}, edge_channel=True), 40_211_861),
}


@pytest.mark.parametrize('name', PARAMETERS)
def test_parameters_are_the_documented_ones(name):
    options, expected = PARAMETERS[name]
    with torch.device('meta'):
        network = PreActDeepLab(29, **options)
    assert sum(p.numel() for p in network.parameters()) == expected


def test_the_softmax_gate_adds_no_parameter():
    with torch.device('meta'):
        network = PreActDeepLab(29, excitation=dict(gate='softmax', largest_factor=1.5))
    assert sum(p.numel() for p in network.parameters()) == PARAMETERS['gates'][1]


def test_separable_convolution_is_one_linear_map_of_the_channels():
    torch.manual_seed(0)
    layer, x = separable(3, 2), torch.randn(1, 3, 4, 5)
    weight = layer[1].weight[:, :, 0, 0] * layer[0].weight[:, 0, 0, 0]
    expected = torch.einsum('oc,bchw->bohw', weight, x) + layer[1].bias[:, None, None]
    torch.testing.assert_close(layer(x), expected)


def test_pyramid_joins_the_normalised_features_and_the_raw_features_branches():
    torch.manual_seed(0)
    pyramid, x = ContextPyramid(6, 4).eval(), torch.randn(1, 6, 8, 9)
    nn.init.constant_(pyramid.norm.weight, 3.0)
    joined = []
    pyramid.projection.register_forward_pre_hook(lambda _m, inputs: joined.append(inputs[0]))
    pyramid(x)
    assert joined[0].shape == (1, 6 + 4 * 4, 8, 9)
    torch.testing.assert_close(joined[0][:, :6], 3 * x / (1 + 1e-5) ** 0.5)
    torch.testing.assert_close(joined[0][:, 6:10], pyramid.branches[0](x))
    assert [b.dilation[0] for b in pyramid.branches] == [1, 6, 12, 18]


def test_weights_are_drawn_as_the_source_does():
    torch.manual_seed(0)
    network = PreActDeepLab(29, excitation={}, width=32)
    shortcuts = {id(block.shortcut) for block in network.modules() if getattr(block, 'shortcut', None) is not None}
    assert len(shortcuts) == 4
    for layer in (m for m in network.modules() if isinstance(m, nn.Conv2d | nn.Linear)):
        weight = layer.weight.data
        area = weight[0, 0].numel()
        inputs, outputs = weight.shape[1] * area, weight.shape[0] * area
        expected = 2 / inputs if id(layer) in shortcuts else 2 / (inputs + outputs)
        assert layer.bias is None or not layer.bias.any()
        if id(layer) not in shortcuts:
            assert weight.abs().max() <= (3 * expected) ** 0.5, 'uniform'
        if weight.numel() > 2000:
            assert weight.var() == pytest.approx(expected, rel=0.1)
    assert {m.momentum for m in network.modules() if isinstance(m, nn.BatchNorm2d)} == {0.01}


def test_edges_enter_at_the_stem_and_again_before_the_last_two_convolutions():
    torch.manual_seed(0)
    network = PreActDeepLab(3, edge_channel=True, width=16).eval()
    images = torch.randn(1, 4, 64, 64)
    with torch.no_grad():
        before = network(images)
        nn.init.zeros_(network.trunk.stem[0].weight[:, 3:])
        without_stem = network(images)
        nn.init.zeros_(network.last.weight[:, -1:])
        without_either = network(images)
        images[:, 3] = torch.rand(64, 64)
        assert torch.equal(network(images), without_either)
    assert not torch.allclose(before, without_stem)
    assert not torch.allclose(without_stem, without_either)


def test_an_edge_reaches_its_own_neighbourhood_at_full_resolution():
    """Past the stem, one edge pixel changes the logits two 3x3 convolutions around it and nowhere else."""
    torch.manual_seed(0)
    network = PreActDeepLab(3, edge_channel=True, width=16).eval()
    nn.init.zeros_(network.trunk.stem[0].weight[:, 3:])
    images = torch.zeros(1, 4, 70, 64)
    with torch.no_grad():
        plain = network(images)
        images[0, 3, 30, 40] = 1
        changed = (network(images) - plain).abs().sum(1)[0].nonzero()
    assert changed.tolist() == [[row, column] for row in range(28, 33) for column in range(38, 43)]


def test_an_image_without_its_edge_map_is_refused():
    with pytest.raises(ValueError, match=r'shape \(1, 3, 64, 64\): the network expects \[B, 4, H, W\]'):
        PreActDeepLab(3, edge_channel=True, width=16)(torch.zeros(1, 3, 64, 64))


@pytest.mark.parametrize('width', [8, 40])
def test_widths_that_do_not_divide_are_refused(width):
    with pytest.raises(ValueError, match=f'width {width}: must be a multiple of 16'):
        PreActDeepLab(3, width=width)
