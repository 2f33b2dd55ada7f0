import pytest
import torch
from mmseg.models.backbones import ResNet
from torch import nn

from custom_ops.backbones import DilatedMobileNetV3, ResNetUNet, fit_by_name, load_by_name, random_blocks


def narrow(depth):
    return ResNet(depth, stem_channels=2, base_channels=2)


def test_a_resnet152_from_a_resnet101s_file_keeps_17_of_50_blocks_random():
    deep, shallow = narrow(152), narrow(101)
    account = load_by_name(deep, shallow.state_dict())
    expected = [f'layer2.{block}' for block in range(4, 8)] + [f'layer3.{block}' for block in range(23, 36)]
    assert list(random_blocks(account)) == expected
    assert len(expected) == 17
    blocks = sum(len(getattr(deep, layer)) for layer in deep.res_layers)
    assert blocks == 50
    assert not account.unused
    own, stored = deep.state_dict(), shallow.state_dict()
    assert set(account.loaded) == set(stored)
    assert all(torch.equal(own[name], stored[name]) for name in account.loaded)


def test_full_width_leaves_the_documented_millions_random():
    with torch.device('meta'):
        deep, shallow = ResNet(152).state_dict(), ResNet(101).state_dict()
    _, account = fit_by_name(deep, shallow)
    statistics = ('running_mean', 'running_var', 'num_batches_tracked')
    left = sum(deep[name].numel() for name in account.left if not name.endswith(statistics))
    assert left / 1e6 == pytest.approx(15.6, abs=0.05)


def test_shapes_that_differ_and_foreign_names_are_not_loaded_but_named():
    own = {'layer1.0.a': torch.zeros(2), 'layer1.0.b': torch.zeros(3), 'fc.c': torch.zeros(1)}
    stored = {'backbone.layer1.0.a': torch.ones(2), 'layer1.0.b': torch.ones(4), 'decode_head.d': torch.ones(1)}
    fitting, account = fit_by_name(own, stored)
    assert list(fitting) == ['layer1.0.a']
    assert account.left == ('fc.c', 'layer1.0.b')
    assert account.unused == ('decode_head.d', 'layer1.0.b')
    # A block of which anything was loaded is not random.
    assert random_blocks(account) == ()


def test_a_unets_encoder_loads_a_plain_resnets_weights():
    account = load_by_name(ResNetUNet(18, 3, base_channels=2, stem_channels=2), {
        'fc.weight': torch.zeros(1), **narrow(18).state_dict(),
    })  # fmt: skip
    assert account.unused == ('fc.weight',)
    assert {name.split('.')[0] for name in account.left} == {'decoder', 'logits'}


def test_mobilenets_torchvision_names_pair_up_by_position():
    torch.manual_seed(0)
    one, other = DilatedMobileNetV3(), DilatedMobileNetV3()
    theirs = {f'features.{i}.0': tensor.clone() for i, tensor in enumerate(one.state_dict().values())}
    theirs['classifier.0.weight'] = torch.zeros(3)
    account = load_by_name(other, theirs)
    assert not account.left
    assert all(torch.equal(one.state_dict()[name], tensor) for name, tensor in other.state_dict().items())
    del theirs['features.0.0']
    with pytest.raises(ValueError, match=r'307 tensors under features\.\*: MobileNetV3-Large has 308'):
        load_by_name(other, theirs)


def test_a_file_of_which_nothing_fits_is_refused():
    with pytest.raises(ValueError, match=r'none of 1 stored tensors fits: stored are a, \.\.\., expected are weight'):
        load_by_name(nn.Linear(1, 1), {'a': torch.zeros(1)})
