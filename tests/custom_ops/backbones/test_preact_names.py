import pytest
import torch
from mmseg.models.backbones import ResNet
from torch import nn

from custom_ops.backbones import PreActDeepLab, load_by_name
from custom_ops.backbones.preact_resnet import PreActBottleneck

BLOCKS = (3, 4, 6, 3)


@pytest.fixture(scope='module')
def classifier():
    """A toolbox ResNet-50, which has torchvision's names, with statistics that differ from layer to layer."""
    torch.manual_seed(0)
    state = ResNet(50).state_dict()
    for name, tensor in state.items():
        if tensor.is_floating_point():
            state[name] = torch.randn(tensor.shape) if tensor.ndim > 1 else torch.rand(tensor.shape)
    return state | {'fc.weight': torch.zeros(1000, 2048), 'fc.bias': torch.zeros(1000)}


@pytest.fixture(scope='module')
def loaded(classifier):
    torch.manual_seed(1)
    network = PreActDeepLab(29, excitation={})
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    return network, before, load_by_name(network, classifier)


def test_every_blocks_convolutions_are_the_classifiers(loaded, classifier):
    network, _, _ = loaded
    blocks = [m for m in network.modules() if isinstance(m, PreActBottleneck)]
    names = [f'layer{stage}.{block}' for stage, count in enumerate(BLOCKS, 1) for block in range(count)]
    assert len(blocks) == len(names) == 16
    for name, block in zip(names, blocks, strict=True):
        layers = (block.reduce, block.rest[1], block.rest[3])
        assert all(isinstance(layer, nn.Conv2d) for layer in layers)
        for number, layer in enumerate(layers, 1):
            assert torch.equal(layer.weight, classifier[f'{name}.conv{number}.weight'])
        assert torch.equal(block.rest[0][0].running_mean, classifier[f'{name}.bn2.running_mean'])


def test_the_first_two_normalisations_are_the_classifiers(loaded, classifier):
    trunk = loaded[0].trunk
    assert torch.equal(trunk.stem[1][0].weight, classifier['bn1.weight'])
    assert torch.equal(trunk.first.activate[0].running_var, classifier['layer1.0.bn1.running_var'])


def test_stem_shortcuts_biases_other_normalisation_and_all_beyond_the_trunk_stay_random(loaded):
    network, before, account = loaded
    state = network.state_dict()
    # 16 blocks of three convolutions and one normalisation, two normalisations more; a normalisation has five tensors.
    assert len(account.loaded) == 16 * (3 + 5) + 2 * 5
    assert not account.unused
    assert all(torch.equal(state[name], before[name]) for name in account.left)
    left = set(account.left)
    assert {'trunk.stem.0.weight', 'trunk.first.reduce.bias', 'trunk.first.rest.2.0.weight'} <= left
    assert {f'trunk.{path}.shortcut.weight' for path in ('first', 'blocks.2', 'blocks.6', 'blocks.12')} <= left
    assert {name for name in state if not name.startswith('trunk.')} <= left
    assert {name for name in state if '.gate.' in name} <= left


def test_blocks_that_a_deeper_classifier_has_beyond_ours_are_left_out(classifier):
    deeper = {f'layer3.{block}.conv2.weight': torch.zeros(1) for block in range(6, 23)}
    plain, found = (PreActDeepLab.adapt_state_dict(stored) for stored in (classifier, classifier | deeper))
    assert plain.keys() == found.keys() and plain


def test_names_may_carry_the_toolboxs_prefix(classifier):
    prefixed = {f'backbone.{name}': tensor for name, tensor in classifier.items()}
    plain, found = (PreActDeepLab.adapt_state_dict(stored) for stored in (classifier, prefixed))
    assert plain.keys() == found.keys() and plain


def test_a_state_dict_of_our_own_is_left_alone():
    own = PreActDeepLab(3, width=16).state_dict()
    assert PreActDeepLab.adapt_state_dict(own) == own
