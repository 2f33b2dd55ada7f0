import pytest
import torch
from torch import nn

from custom_ops.branches import SqueezeExcitation, scale_largest_gate


@pytest.fixture
def features():
    return torch.randn(3, 16, 5, 7, generator=torch.Generator().manual_seed(0))


def build(**options):
    torch.manual_seed(0)
    return SqueezeExcitation(16, ratio=4, **options)


@pytest.mark.parametrize('gate', ['sigmoid', 'softmax'])
def test_each_channel_is_multiplied_by_a_function_of_all_means(gate, features):
    layer = build(gate=gate)
    hidden = (features.mean((2, 3)) @ layer.squeeze.weight.T + layer.squeeze.bias).clamp(min=0)
    scores = hidden @ layer.excite.weight.T + layer.excite.bias
    gates = 1 / (1 + (-scores).exp()) if gate == 'sigmoid' else scores.exp() / scores.exp().sum(1, keepdim=True)
    torch.testing.assert_close(layer(features), torch.einsum('bchw,bc->bchw', features, gates))


def test_parameters_are_two_layers_with_biases():
    assert sum(p.numel() for p in SqueezeExcitation(256).parameters()) == 2 * 256 * 16 + 16 + 256


def test_softmax_gates_sum_to_one_and_the_scaled_largest_adds_half_of_itself(features):
    plain, scaled = build(gate='softmax'), build(gate='softmax', largest_factor=1.5)
    gates = plain.gates(features)
    torch.testing.assert_close(gates.sum(1), torch.ones(3))
    torch.testing.assert_close(scaled.gates(features).sum(1), 1 + 0.5 * gates.max(1).values)


def test_only_the_largest_gate_of_each_image_is_scaled():
    gates = torch.tensor([[0.2, 0.5, 0.3], [0.4, 0.4, 0.2]])
    expected = torch.tensor([[0.2, 0.75, 0.3], [0.6, 0.6, 0.2]])
    torch.testing.assert_close(scale_largest_gate(gates, 1.5), expected)


def test_scaled_gates_pass_gradients():
    gates = torch.rand(2, 5, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda g: scale_largest_gate(g, 1.5), gates)


def test_features_keep_their_number_format_under_autocast(features):
    with torch.autocast('cpu', torch.bfloat16):
        assert build(gate='softmax')(features.bfloat16()).dtype == torch.bfloat16


@pytest.mark.parametrize('gate', ['sigmoid', 'softmax'])
def test_gates_that_half_precision_cannot_tell_apart_are_not_both_the_largest(gate, features):
    layer = build(gate=gate, largest_factor=1.5)
    nn.init.zeros_(layer.excite.weight)
    layer.excite.bias.data = torch.linspace(1.0, 1.001, 16)
    features = features.bfloat16()
    expected = layer.gates(features.float())
    assert (expected > 1.4 * expected[0, 0]).sum(1).tolist() == [1, 1, 1]
    with torch.autocast('cpu', torch.bfloat16):
        assert torch.equal(layer.gates(features), expected.bfloat16())


def test_the_toolboxs_residual_blocks_take_it_as_a_plugin():
    from mmengine.registry import init_default_scope
    from mmseg.models.backbones import ResNet

    init_default_scope('mmseg')
    plugin = dict(cfg=dict(type='SqueezeExcitation', ratio=4), position='after_conv3')
    trunk = ResNet(50, plugins=[plugin], base_channels=4, stem_channels=4)
    assert sum(isinstance(m, SqueezeExcitation) for m in trunk.modules()) == 16
    assert isinstance(trunk.layer1[0].excitation, nn.Module)


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        (dict(gate='tanh'), "gate 'tanh': choose from sigmoid, softmax"),
        (dict(ratio=32), 'ratio 32: must lie between 1 and the 16 channels'),
        (dict(ratio=0), 'ratio 0: must lie between 1'),
        (dict(largest_factor=0), 'largest_factor 0: must be positive'),
    ],
)
def test_options_not_offered_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        SqueezeExcitation(16, **options)
