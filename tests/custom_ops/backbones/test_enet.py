import pytest
import torch
from torch import nn
from torch.nn import functional as F

from custom_ops.backbones import ENet
from custom_ops.backbones.enet import Bottleneck, DownBottleneck, UpBottleneck

DOCUMENTED_GFLOPS = 6.64


def half_down(n):
    return n // 2


def half_up(n):
    return -(-n // 2)


def gigaflops(height, width, num_classes, half=half_down, inner_of_input=False):
    """Count ENet's layers by hand: twice the multiply-adds, on grids that ``half`` halves three times."""
    grids = [(height, width)]
    for _ in range(3):
        grids.append(tuple(half(side) for side in grids[-1]))
    _, fine, middle, coarse = (h * w for h, w in grids)

    def down(before, after):
        inner = (before if inner_of_input else after) // 4
        return 4 * before * inner + 9 * inner**2 + inner * after

    def bottleneck(channels, kernel=9):
        return 2 * channels * (channels // 4) + kernel * (channels // 4) ** 2

    def up(before, after, low, high):
        inner = after // 4
        return low * (before * after + before * inner + 9 * inner**2) + high * inner * after

    encoder = fine * 27 * 13 + middle * (down(16, 64) + 4 * bottleneck(64))
    encoder += coarse * (down(64, 128) + 12 * bottleneck(128) + 4 * bottleneck(128, kernel=10))
    decoder = up(128, 64, coarse, middle) + middle * 2 * bottleneck(64)
    decoder += up(64, 16, middle, fine) + fine * (bottleneck(16) + 4 * 16 * num_classes)
    return 2 * (encoder + decoder) / 1e9


@pytest.mark.parametrize(('size', 'num_classes', 'giga'), [((360, 480), 11, 1.2706), ((512, 1024), 19, 3.922)])
def test_layers_counted_by_hand_have_the_documented_cost(size, num_classes, giga):
    assert gigaflops(*size, num_classes) / 2 == pytest.approx(giga, rel=1e-4)


def test_the_documented_cost_is_that_of_narrower_bottlenecks_on_larger_grids():
    """Nearest layout to the documented 6.64: inner widths a quarter of the input when shrinking, grids rounded up."""
    paper = gigaflops(375, 1242, 19)
    assert paper == pytest.approx(6.84, rel=5e-3)
    nearest = gigaflops(375, 1242, 19, half_up, inner_of_input=True)
    assert nearest == pytest.approx(6.605, abs=5e-4)
    assert abs(nearest - DOCUMENTED_GFLOPS) < abs(paper - DOCUMENTED_GFLOPS) / 5


def layers(network, kind):
    return [module for module in network.modules() if isinstance(module, kind)]


def test_activations_are_prelus_per_channel_in_the_encoder_and_relus_in_the_decoder():
    network = ENet(19)
    for name, module in network.named_modules():
        decoder = name.startswith(('up', 'stage4', 'stage5', 'logits'))
        assert not isinstance(module, nn.PReLU if decoder else nn.ReLU), name
    widths = [prelu.num_parameters for prelu in layers(network, nn.PReLU)]
    assert {16, 32, 64, 128} == set(widths)
    # Initial block; three per downsampling; three per bottleneck of 4 + 8 + 8.
    assert len(widths) == 1 + 2 * 3 + 20 * 3


def test_only_the_convolutions_that_the_source_gives_one_have_a_bias():
    for name, conv in ENet(19).named_modules():
        if not isinstance(conv, nn.Conv2d | nn.ConvTranspose2d):
            continue
        projection = max(conv.kernel_size) < 3 and name != 'logits'
        first_asymmetric = conv.kernel_size == (5, 1)
        assert (conv.bias is None) == (projection or first_asymmetric), name


def test_context_stages_alternate_as_in_the_source():
    def kind(block):
        middle = block.branch[1][0]
        return middle.dilation[0] if isinstance(middle, nn.Conv2d) else tuple(c.kernel_size for c in middle)

    asymmetric = ((5, 1), (1, 5))
    network = ENet(19)
    for stage in (network.stage2, network.stage3):
        assert [kind(block) for block in stage] == [1, 2, asymmetric, 4, 1, 8, asymmetric, 16]


def test_dropout_is_weak_in_five_bottlenecks_then_stronger_and_none_in_the_decoder():
    assert [d.p for d in layers(ENet(19), nn.Dropout2d)] == [0.01] * 5 + [0.1] * 17 + [0.0] * 3


def test_normalisation_has_the_sources_epsilon():
    assert {norm.eps for norm in layers(ENet(19), nn.BatchNorm2d)} == {1e-3}


def test_bottleneck_is_the_same_as_its_layers_written_out():
    torch.manual_seed(0)
    block = Bottleneck(16, nn.Conv2d(4, 4, 3, padding=1), 0.1, nn.PReLU).eval()
    reduce, middle, expand, _ = block.branch
    x = torch.randn(2, 16, 5, 7)
    y = F.prelu(reduce[1](F.conv2d(x, reduce[0].weight)), reduce[2].weight)
    y = F.prelu(middle[1](F.conv2d(y, middle[0].weight, middle[0].bias, padding=1)), middle[2].weight)
    y = expand[1](F.conv2d(y, expand[0].weight))
    torch.testing.assert_close(block(x), F.prelu(x + y, block.activation.weight))


def test_maxima_return_to_where_they_came_from():
    """With the branches silenced, going down and up leaves each 2x2 window its maximum, in its place."""
    torch.manual_seed(0)
    down, up = DownBottleneck(8, 8, 0.0).eval(), UpBottleneck(8, 8).eval()
    for bottleneck in (down, up):
        nn.init.zeros_(bottleneck.branch[2][0].weight)
    nn.init.eye_(up.skip[0].weight.data.view(8, 8))
    x = torch.rand(1, 8, 6, 10)
    found = up(*down(x)) * (1 + 1e-3) ** 0.5
    windows = F.max_pool2d(x, 2).repeat_interleave(2, -1).repeat_interleave(2, -2)
    torch.testing.assert_close(found, torch.where(x == windows, x, 0.0))


def test_downsampling_fills_new_channels_with_zeros():
    down = DownBottleneck(4, 12, 0.0).eval()
    nn.init.zeros_(down.branch[2][0].weight)
    result, _ = down(torch.rand(1, 4, 8, 8))
    assert (result[:, :4] > 0).all() and (result[:, 4:] == 0).all()


def test_other_sides_are_resampled_to_the_multiple_of_8_below_and_back():
    torch.manual_seed(0)
    network, images = ENet(3).eval(), torch.randn(1, 3, 71, 98)
    with torch.no_grad():
        inner = network(F.interpolate(images, (64, 96), mode='bilinear'))
        torch.testing.assert_close(network(images), F.interpolate(inner, (71, 98), mode='bilinear'))


@pytest.mark.parametrize('widths', [(16, 64), (16, 66, 128), (64, 32, 128), (0, 16, 32)])
def test_widths_that_cannot_be_built_are_refused(widths):
    with pytest.raises(ValueError, match=rf'widths \({widths[0]}, .* three multiples of 4'):
        ENet(19, widths=widths)


def test_an_initial_block_without_room_for_its_convolution_is_refused():
    with pytest.raises(ValueError, match=r'widths \(4, 8, 8\): the first must exceed the 6 channels'):
        ENet(19, widths=(4, 8, 8), in_channels=6)
