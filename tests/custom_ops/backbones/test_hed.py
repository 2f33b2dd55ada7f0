import pytest
import torch
from torch.nn import functional as F

from custom_ops.backbones import HED, load_by_name
from custom_ops.backbones.hed import STAGE_CONVS, convolution_index, own_name

ORDINALS = ('One', 'Two', 'Thr', 'Fou', 'Fiv')


@pytest.fixture(scope='module')
def network():
    torch.manual_seed(0)
    return HED().eval()


def test_maps_are_those_of_the_layers_written_out(network):
    images = torch.randn(1, 3, 70, 75)
    x = F.pad(images, (0, 5, 0, 10))
    parameters, maps = network.state_dict(), []
    for stage, convs in enumerate(STAGE_CONVS, start=1):
        x = F.max_pool2d(x, 2) if stage > 1 else x
        for conv in range(1, convs + 1):
            name = f'features.{convolution_index(stage, conv)}'
            x = F.relu(F.conv2d(x, parameters[f'{name}.weight'], parameters[f'{name}.bias'], padding=1))
        side = F.conv2d(x, parameters[f'sides.{stage - 1}.weight'], parameters[f'sides.{stage - 1}.bias'])
        maps.append(F.interpolate(side, (80, 80), mode='bilinear')[..., :70, :75])
    maps.append(F.conv2d(torch.cat(maps, 1), parameters['fuse.weight'], parameters['fuse.bias']))
    with torch.no_grad():
        found = network(images)
    assert [tuple(m.shape) for m in found] == [(1, 1, 70, 75)] * 6
    for one, other in zip(found, maps, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-5)


def test_fusion_starts_as_the_mean_of_the_sides():
    network = HED().eval()
    with torch.no_grad():
        *sides, fused = network(torch.randn(1, 3, 64, 64))
    torch.testing.assert_close(fused, torch.stack(sides).mean(0))


def port_names():
    """Layer by layer: own name, name in the original release, name in the port, shape."""
    for stage, convs in enumerate(STAGE_CONVS, start=1):
        ordinal = ORDINALS[stage - 1]
        for conv in range(1, convs + 1):
            own = f'features.{convolution_index(stage, conv)}'
            yield own, f'conv{stage}_{conv}', f'moduleVgg{ordinal}.{2 * (conv - 1) + (stage > 1)}'
        yield f'sides.{stage - 1}', f'score_dsn{stage}', f'moduleScore{ordinal}'
    yield 'fuse', 'score_final', 'moduleCombine.0'


@pytest.mark.parametrize('layout', [1, 2])
def test_released_weights_load_by_name(network, layout):
    table = list(port_names())
    assert len(table) == 13 + 5 + 1
    own = network.state_dict()
    released = {f'{names[layout]}.{kind}': own[f'{names[0]}.{kind}'] for names in table for kind in ('weight', 'bias')}
    torch.manual_seed(7)
    other = HED()
    account = load_by_name(other, released)
    assert len(account.loaded) == len(own) and not account.left and not account.unused
    assert all(torch.equal(tensor, own[name]) for name, tensor in other.state_dict().items())


def test_image_classifiers_weights_load_by_name_too(network):
    classifier = {n: t for n, t in network.state_dict().items() if n.startswith('features.')}
    account = load_by_name(HED(), classifier | {'classifier.0.weight': torch.zeros(1)})
    assert {name.split('.')[0] for name in account.left} == {'sides', 'fuse'}
    assert account.unused == ('classifier.0.weight',)


def test_unknown_names_stay():
    assert own_name('features.0.weight') == 'features.0.weight'
    assert own_name('conv3_3.other') == 'conv3_3.other'
