"""Two counters against each other and against closed forms, on real architectures of shapes alone."""

import pytest
import torch
from mmengine.config import ConfigDict
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from bench.measure import cost
from bench.measure.cost import build_on_meta, count, count_by_modules, count_config

BN = dict(type='BN')


def fcn_head(in_channels, index, channels):
    return dict(
        type='FCNHead', in_channels=in_channels, in_index=index, channels=channels, num_convs=1, concat_input=False,
        num_classes=19, norm_cfg=BN, align_corners=False,
        loss_decode=dict(type='CrossEntropyLoss', avg_non_ignore=True),
    )  # fmt: skip


def fcn(depth=50, auxiliary=True):
    """FCN at stride 8 in the torchvision layout: heads of a quarter of the trunk's width, 19 classes."""
    return ConfigDict(
        type='EncoderDecoder',
        backbone=dict(
            type='ResNet', depth=depth, norm_cfg=BN, strides=(1, 2, 1, 1), dilations=(1, 1, 2, 4),
            contract_dilation=True),
        decode_head=fcn_head(2048, 3, 512),
        auxiliary_head=fcn_head(1024, 2, 256) if auxiliary else None,
        test_cfg=dict(mode='whole'))  # fmt: skip


def with_head(type, **arguments):
    head = dict(fcn_head(2048, 3, 128), type=type, **arguments)
    for key in ('num_convs', 'concat_input'):
        head.pop(key)
    return ConfigDict(fcn(auxiliary=False), decode_head=head)


ARCHITECTURES = {
    'fcn': fcn(),
    'pspnet': with_head('PSPHead'),
    'upernet': with_head('UPerHead', in_channels=[256, 512, 1024, 2048], in_index=[0, 1, 2, 3]),
    'deeplabv3plus': with_head('DepthwiseSeparableASPPHead', dilations=(1, 12, 24), c1_in_channels=256, c1_channels=48),
    'mobilenetv2': ConfigDict(
        type='EncoderDecoder',
        backbone=dict(type='MobileNetV2', norm_cfg=BN),
        decode_head=fcn_head(320, 3, 64),
        test_cfg=dict(mode='whole')),
}  # fmt: skip


def on_meta(make):
    with torch.device('meta'):
        return make()


@pytest.mark.parametrize(('depth', 'gflops'), [(50, 529.964431872), (101, 807.699184128)])
def test_the_published_cost_of_fcn(depth, gflops):
    """Two reports print 530.28 and 808.52: an independent count of the same networks gave the values here."""
    found = count_config(fcn(depth), (3, 375, 1242), count_auxiliary=True)
    assert found['flops'] / 1e9 == pytest.approx(gflops, abs=1e-9)
    assert found['flops'] == 2 * found['macs'] == 2 * sum(found['macs_by_operator'].values())
    assert found['input_shape'] == [3, 375, 1242]


def test_what_is_deployed_never_holds_the_auxiliary_head():
    shape = (3, 64, 96)
    both, one = count_config(fcn(), shape, True), count_config(fcn(auxiliary=False), shape, False)
    assert both['macs_deployed'] == one['macs_deployed'] == one['macs'] < both['macs']
    assert both['params_deployed'] == one['params'] == one['params_deployed'] < both['params']
    without = count_config(fcn(), shape, False)
    assert without == {**both, 'macs': one['macs'], 'flops': one['flops'], 'counts_auxiliary': False,
                       'macs_by_operator': one['macs_by_operator']}  # fmt: skip


def test_several_auxiliary_heads_all_count():
    config = fcn()
    config.auxiliary_head = [config.auxiliary_head, config.auxiliary_head]
    one, two = count_config(fcn(), (3, 64, 96), True), count_config(config, (3, 64, 96), True)
    assert two['macs'] - one['macs'] == one['macs'] - one['macs_deployed'] > 0
    assert two['params_deployed'] == one['params_deployed']


@pytest.mark.parametrize('name', ARCHITECTURES)
def test_operators_and_modules_give_the_same_count(name):
    config, shape = ARCHITECTURES[name], (3, 97, 130)
    layers = count_by_modules(build_on_meta(config), shape, count_auxiliary=True)
    assert len(layers) > 50
    assert sum(layers.values()) == count_config(config, shape, True)['macs']


@pytest.mark.parametrize('name', ARCHITECTURES)
def test_pytorchs_own_counter_gives_the_same_count(name):
    """It also proves that the stated shapes of normalisation and resize are the real ones."""
    model = build_on_meta(ARCHITECTURES[name]).eval()
    with torch.no_grad(), FlopCounterMode(display=False) as reference:
        output = model(torch.empty(1, 3, 97, 130, device='meta'))
    assert count(model, (3, 97, 130), False)['flops'] == reference.get_total_flops()
    with torch.no_grad(), cost._Tally():
        assert model(torch.empty(1, 3, 97, 130, device='meta')).shape == output.shape


LAYERS = {
    # name: (layer, input shape, multiply-adds by hand)
    'conv': (lambda: nn.Conv2d(6, 8, (3, 5), stride=2, padding=1, bias=True), (6, 11, 17), 6 * 8 * 15 * 6 * 8),
    'grouped': (lambda: nn.Conv2d(6, 12, 3, groups=3), (6, 10, 10), 2 * 12 * 9 * 8 * 8),
    'depthwise': (lambda: nn.Conv2d(6, 6, 3, padding=1, groups=6), (6, 10, 10), 6 * 9 * 100),
    'transposed': (
        lambda: nn.ConvTranspose2d(6, 4, 4, stride=2, padding=1, output_padding=1, bias=False),
        (6, 7, 9), 6 * 4 * 16 * 7 * 9),
    'transposed and grouped': (lambda: nn.ConvTranspose2d(6, 4, 3, groups=2), (6, 7, 9), 6 * 2 * 9 * 7 * 9),
    'linear': (lambda: nn.Linear(9, 5), (6, 7, 9), 6 * 7 * 9 * 5),
}  # fmt: skip


@pytest.mark.parametrize('name', LAYERS)
def test_one_layer_against_its_closed_form(name):
    make, shape, macs = LAYERS[name]
    assert count(on_meta(make), shape, False)['macs'] == macs
    assert sum(count_by_modules(on_meta(make), shape, False).values()) == macs


def test_a_transposed_convolution_costs_what_its_gradient_twin_does():
    """It is the backward pass of a convolution from its output to its input: the same pairs of numbers meet."""
    down = on_meta(lambda: nn.Conv2d(4, 6, 4, stride=2))
    up = on_meta(lambda: nn.ConvTranspose2d(6, 4, 4, stride=2))
    assert count(down, (4, 20, 24), False)['macs'] == count(up, (6, 9, 11), False)['macs']


class Attention(nn.Module):
    def forward(self, image):
        tokens = image.flatten(2).softmax(-1)
        return tokens @ tokens.transpose(1, 2) + tokens.new_zeros(1)


def test_functional_products_count_and_what_has_no_formula_is_named():
    found = count(Attention(), (6, 4, 5), False)
    assert found['macs'] == 6 * 6 * 20
    assert found['uncounted_operators'] == ['aten._softmax', 'aten.add']
    assert count_by_modules(Attention(), (6, 4, 5), False) == {}


def test_counting_holds_no_memory_and_changes_no_method():
    model = build_on_meta(fcn())
    count(model, (3, 4000, 8000), True)
    assert all(parameter.device.type == 'meta' for parameter in model.parameters())
    assert 'extract_feat' not in vars(model)


def test_real_tensors_and_odd_shapes_are_refused():
    with pytest.raises(ValueError, match="'weight' is a real tensor; build the network with build_on_meta"):
        count(nn.Conv2d(3, 4, 3), (3, 8, 8), False)
    with pytest.raises(ValueError, match=r'\(1, 3, 8, 8\); it must be three positive integers: C, H, W'):
        count_by_modules(on_meta(lambda: nn.Conv2d(3, 4, 3)), (1, 3, 8, 8), False)


def test_the_config_is_left_as_it_was():
    config = fcn()
    count_config(config, (3, 64, 64), True)
    assert config == fcn()


def test_transformers_are_counted_without_memory_too():
    """Their constructors read the drop rate of every block from a ``linspace``."""
    heads = dict(num_layers=[1, 1, 1, 1], num_heads=[1, 1, 1, 1], embed_dims=8, drop_path_rate=0.1)
    network = dict(
        type='EncoderDecoder', backbone=dict(type='MixVisionTransformer', **heads),
        decode_head=fcn_head(8, 0, 4), test_cfg=dict(mode='whole'))  # fmt: skip
    model = build_on_meta(network)
    assert {parameter.device.type for parameter in model.parameters()} == {'meta'}
    rates = [float(module.drop_prob) for module in model.modules() if type(module).__name__ == 'DropPath']
    assert max(rates) == pytest.approx(0.1)
    assert count(model, (3, 64, 64), False)['macs'] > 0
