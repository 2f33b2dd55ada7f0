import pytest
import torch
from mmengine.registry import init_default_scope
from mmseg.models.backbones import ResNet
from mmseg.registry import MODELS
from torch import nn

from bench.measure.cost import count
from custom_ops.backbones import SEResNet
from custom_ops.branches import SqueezeExcitation

TRUNKS = {18: 11_176_512, 50: 23_508_032, 101: 42_500_160}
BLOCKS = {18: 8, 34: 16, 50: 16, 101: 33, 152: 50}
SMALL = dict(ratio=4, base_channels=4, stem_channels=4)


def params(module):
    return sum(p.numel() for p in module.parameters())


def on_meta(depth, **options):
    with torch.device('meta'):
        return SEResNet(depth, **options)


def plain(depth):
    with torch.device('meta'):
        return ResNet(depth)


def gates(network):
    return [m for m in network.modules() if isinstance(m, SqueezeExcitation)]


def test_seresnet50_has_the_documented_parameters():
    trunk = on_meta(50)
    assert params(trunk) == 26_039_024
    assert params(trunk) + params(nn.Linear(2048, 1000, device='meta')) == 28_088_024


def test_seresnet50_costs_the_documented_operations():
    assert count(on_meta(50), (3, 224, 224), False)['macs'] / 1e9 == pytest.approx(4.090, abs=5e-4)


@pytest.mark.parametrize('depth', BLOCKS)
def test_every_block_of_every_depth_has_one_gate(depth):
    network = on_meta(depth)
    found = gates(network)
    assert len(found) == BLOCKS[depth]
    assert params(network) - sum(map(params, found)) == params(plain(depth))


@pytest.mark.parametrize('depth', TRUNKS)
def test_plain_trunks_have_the_documented_parameters(depth):
    assert params(plain(depth)) == TRUNKS[depth]


@pytest.mark.parametrize('depth', [18, 50])
def test_gates_stand_after_the_branch_and_before_the_addition(depth):
    """Closed gates leave the shortcuts alone, open ones the plain network."""
    torch.manual_seed(0)
    network = SEResNet(depth, **SMALL)
    trunk = ResNet(depth, base_channels=4, stem_channels=4)
    for module in (network, trunk):
        module.eval()
    trunk.load_state_dict({k: v for k, v in network.state_dict().items() if 'excitation' not in k})
    images = torch.randn(1, 3, 64, 64)
    with torch.no_grad():
        for gate in gates(network):
            nn.init.constant_(gate.excite.bias, 1e4)
        for one, other in zip(network(images), trunk(images), strict=True):
            torch.testing.assert_close(one, other)
        for gate in gates(network):
            nn.init.constant_(gate.excite.bias, -1e4)
        block = network.layer1[1]
        x = torch.randn(1, block.conv1.in_channels, 8, 8)
        torch.testing.assert_close(block(x), x.relu())


def test_checkpointing_changes_no_gradient():
    torch.manual_seed(0)
    network, images = SEResNet(18, with_cp=True, **SMALL), torch.randn(2, 3, 64, 64, requires_grad=True)
    found = []
    for with_cp in (True, False):
        for block in (b for name in network.res_layers for b in getattr(network, name)):
            block.with_cp = with_cp
        network.zero_grad()
        network(images)[-1].square().sum().backward()
        found.append(network.layer2[0].excitation.excite.weight.grad.clone())
    torch.testing.assert_close(*found)


def test_the_toolbox_builds_it_with_strides_given_up():
    init_default_scope('mmseg')
    cfg = dict(type='SEResNet', depth=50, strides=(1, 2, 1, 1), dilations=(1, 1, 2, 4), gate='softmax', **SMALL)
    network = MODELS.build(cfg)
    network.init_weights()
    assert network(torch.randn(2, 3, 64, 64))[-1].shape == (2, 128, 8, 8)
    assert all(isinstance(gate.gate, nn.Softmax) for gate in gates(network))


def test_depths_not_offered_are_refused():
    with pytest.raises(ValueError, match='depth 26: choose from 18, 34, 50, 101, 152'):
        SEResNet(26)
