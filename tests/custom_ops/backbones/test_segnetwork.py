import numpy as np
import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from custom_ops.backbones import SegNetwork

DOCUMENTED_PARAMS = 15_279_747
DOCUMENTED_GFLOPS = 133.868


def on_meta(**options):
    with torch.device('meta'):
        return SegNetwork(num_classes=19, **options).eval()


def test_baseline_has_the_documented_parameters():
    assert sum(p.numel() for p in on_meta().parameters()) == DOCUMENTED_PARAMS


def test_baseline_costs_the_documented_operations():
    with FlopCounterMode(display=False) as counter:
        on_meta()(torch.empty(1, 3, 375, 1242, device='meta'))
    assert counter.get_total_flops() / 1e9 == pytest.approx(DOCUMENTED_GFLOPS, abs=5e-4)


def test_intermediate_maps_have_the_documented_sizes():
    network, sizes = on_meta(), []
    for module in [*network.stages, network.classifier, *network.upsampling]:
        module.register_forward_hook(lambda _m, _i, output: sizes.append(tuple(output.shape[-2:])))
    network(torch.empty(1, 3, 375, 1242, device='meta'))
    assert sizes == [(188, 621), (94, 311), (47, 156), (24, 78), (22, 76), (47, 155), (96, 312), (192, 624)]


def test_extra_convs_add_one_convolution_of_the_same_width_to_stages_2_to_4():
    extra = sum(p.numel() for p in on_meta(extra_convs=True).parameters()) - DOCUMENTED_PARAMS
    assert extra == sum(9 * width * width + width for width in (128, 256, 512))


def test_batch_norm_stands_between_every_pooled_convolution_and_its_relu():
    network = on_meta(batch_norm=True)
    kinds = [[type(layer) for layer in stage] for stage in network.stages]
    block = [nn.Conv2d, nn.BatchNorm2d, nn.ReLU]
    assert kinds == [[*block, *block, nn.MaxPool2d]] + [[*block, nn.MaxPool2d]] * 3
    assert not any(isinstance(layer, nn.BatchNorm2d) for layer in network.classifier)


@pytest.mark.parametrize('size', [(64, 64), (65, 97), (70, 131)])
@pytest.mark.parametrize('variant', [{}, {'batch_norm': True, 'extra_convs': True}])
def test_logits_have_the_input_size(size, variant):
    assert on_meta(**variant)(torch.empty(2, 3, *size, device='meta')).shape == (2, 19, *size)


def test_final_resize_aligns_corners():
    """Along the first row the logits are the scores, read off at evenly spaced points from end to end."""
    torch.manual_seed(0)
    network = SegNetwork(num_classes=2).eval()
    scores = []
    network.upsampling.register_forward_hook(lambda _m, _i, output: scores.append(output))
    with torch.no_grad():
        logits = network(torch.randn(1, 3, 64, 70))
    row = scores[0][0, 0, 0].numpy()
    expected = np.interp(np.linspace(0, len(row) - 1, 70), np.arange(len(row)), row)
    np.testing.assert_allclose(logits[0, 0, 0].numpy(), expected, rtol=1e-4, atol=1e-6)


def test_half_of_the_classifiers_channels_are_dropped_twice():
    assert [m.p for m in on_meta().modules() if isinstance(m, nn.Dropout2d)] == [0.5, 0.5]


@pytest.mark.parametrize('size', [(63, 200), (200, 32)])
def test_images_that_are_too_small_are_refused(size):
    with pytest.raises(ValueError, match=rf'{size[0]}x{size[1]} pixels: both sides must be at least 64'):
        on_meta()(torch.empty(1, 3, *size, device='meta'))


@pytest.mark.parametrize('batch_norm', [False, True])
def test_one_batch_is_learnt(batch_norm, overfit):
    """It sees 128 pixels as 6x6 cells, so the scene is coarse: one class, the other, and half an image of each."""
    torch.manual_seed(0)
    labels = torch.zeros(3, 128, 128, dtype=torch.long)
    labels[1], labels[2, :, 64:] = 1, 1
    images = torch.tensor([[2.0, -1.0, -1.0], [-1.0, 2.0, -1.0]])[labels].permute(0, 3, 1, 2)
    images = images + 0.1 * torch.randn(images.shape)
    network = SegNetwork(2, batch_norm, widths=(16, 32, 48, 64), classifier_width=256)
    first, last, score = overfit(network, images, labels, classes=2, rate=5e-3, steps=150, enough=90.5)
    assert last < first / 4
    assert score > 90
