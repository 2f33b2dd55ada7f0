"""What holds for every network that ends in its own logits and for every trunk: sizes, number formats, learning."""

import pytest
import torch
from torch import nn

from custom_ops.backbones import (
    HED,
    DilatedMobileNetV3,
    ENet,
    PhaseUNet,
    PreActDeepLab,
    ResNetUNet,
    SegNetwork,
    SEResNet,
)

K = 3
SMALL_PHASE = dict(encoder=(8, 16, 32), decoder=(16, 8), batch_norm=True)
# Refuses no small image, see there.
PHASES = {
    'phase': lambda: PhaseUNet(K, **SMALL_PHASE),
    'phase, skips': lambda: PhaseUNet(K, encoder_convs=2, skips=True, residual=True, **SMALL_PHASE),
}
NETWORKS = {
    'enet': lambda: ENet(K, widths=(16, 16, 32)),
    'preact': lambda: PreActDeepLab(K, width=16),
    'preact, gates': lambda: PreActDeepLab(K, excitation=dict(ratio=4), width=16),
    'preact, softmax gates': lambda: PreActDeepLab(
        K, excitation=dict(gate='softmax', largest_factor=1.5, ratio=4), width=16
    ),
    'unet': lambda: ResNetUNet(18, K, decoder=(32, 16, 16, 8, 8), base_channels=8, stem_channels=8),
    'unet, bottlenecks': lambda: ResNetUNet(50, K, decoder=(32, 16, 16, 8, 8), base_channels=8, stem_channels=8),
    'segnetwork': lambda: SegNetwork(K),
    **PHASES,
}
TRUNKS = {
    'seresnet18': lambda: SEResNet(18, ratio=4, base_channels=8, stem_channels=8),
    'seresnet50': lambda: SEResNet(50, ratio=4, base_channels=8, stem_channels=8),
    'mobilenetv3': DilatedMobileNetV3,
}
ALL = NETWORKS | TRUNKS | {'hed': HED}

# Adam's rate and the most steps. Without BN at its end, the decoder of squeeze_edge bears no faster rate; ENet's
# dropout asks for more steps.
RATES = {'preact': (2e-3, 100), 'enet': (5e-3, 300)}

networks = pytest.mark.parametrize('name', NETWORKS)
everything = pytest.mark.parametrize('name', ALL)


def build(name: str) -> nn.Module:
    torch.manual_seed(0)
    network = ALL[name]()
    network.eval()
    return network


def outputs(network: nn.Module, images: torch.Tensor) -> list[torch.Tensor]:
    with torch.no_grad():
        found = network(images)
    return [found] if isinstance(found, torch.Tensor) else list(found)


@networks
@pytest.mark.parametrize('size', [(64, 64), (65, 97), (101, 70)])
def test_logits_have_the_size_of_any_image(name, size):
    (logits,) = outputs(build(name), torch.randn(1, 3, *size))
    assert logits.shape == (1, K, *size)
    assert torch.isfinite(logits).all()


@pytest.mark.parametrize('name', [name for name in NETWORKS if name.startswith(('preact', 'unet'))])
def test_padding_is_with_zeros_below_and_to_the_right(name):
    """ENet and SegNetwork resample, PhaseUNet has strides of its own: see there."""
    network, images = build(name), torch.randn(1, 3, 66, 95)
    padded = torch.zeros(1, 3, 96, 96)
    padded[..., :66, :95] = images
    stride = 32 if 'unet' in name else 16
    padded = padded[..., : -(-66 // stride) * stride, :]
    torch.testing.assert_close(network(images), network(padded)[..., :66, :95])


@pytest.mark.parametrize('name', [name for name in ALL if name not in PHASES | TRUNKS])
@pytest.mark.parametrize('size', [(63, 96), (96, 32)])
def test_images_below_64_pixels_are_refused(name, size):
    with pytest.raises(ValueError, match=rf'image of {size[0]}x{size[1]} pixels: both sides must be at least 64'):
        build(name)(torch.zeros(1, 3, *size))


@pytest.mark.parametrize('name', TRUNKS)
@pytest.mark.parametrize('size', [(48, 48), (33, 20)])
def test_a_trunk_takes_a_small_image_as_a_large_one_at_a_small_scale_is(name, size):
    features = outputs(build(name), torch.randn(1, 3, *size))
    assert all(torch.isfinite(one).all() and min(one.shape[-2:]) >= 1 for one in features)


@everything
def test_images_of_other_channels_are_refused(name):
    with pytest.raises(ValueError, match=r'shape \(1, 5, 64, 64\): the network expects \[B, 3, H, W\]'):
        build(name)(torch.zeros(1, 5, 64, 64))


@everything
def test_channels_last_changes_the_memory_and_not_the_numbers(name):
    network, images = build(name), torch.randn(1, 3, 65, 97)
    expected = outputs(network, images)
    network.to(memory_format=torch.channels_last)
    found = outputs(network, images.to(memory_format=torch.channels_last))
    for one, other in zip(expected, found, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-3, atol=1e-4)


@everything
def test_bfloat16_autocast_stays_near_float32_and_trains(name):
    network, images = build(name), torch.randn(2, 3, 65, 97)
    expected = outputs(network, images)
    with torch.autocast('cpu', torch.bfloat16):
        found = outputs(network, images)
    for one, other in zip(expected, found, strict=True):
        assert torch.corrcoef(torch.stack([one.flatten(), other.float().flatten()]))[0, 1] > 0.98
    # An autocast of its own: torch 2.6 would take the weights again that it remembers from without gradients.
    with torch.autocast('cpu', torch.bfloat16):
        network.train()
        trained = network(images)
        trained = [trained] if isinstance(trained, torch.Tensor) else trained
        sum(output.float().square().mean() for output in trained).backward()
    assert all(p.grad is not None and torch.isfinite(p.grad).all() for p in network.parameters())


@everything
def test_the_toolboxs_initialisation_leaves_finite_outputs(name):
    network = build(name)
    network.init_weights()
    assert all(torch.isfinite(output).all() for output in outputs(network, torch.randn(1, 3, 64, 64)))


@everything
def test_a_saved_network_comes_back_the_same(name, tmp_path):
    network, images = build(name), torch.randn(1, 3, 64, 96)
    torch.save(network.state_dict(), tmp_path / 'network.pth')
    torch.manual_seed(1)
    other = ALL[name]()
    other.eval()
    other.load_state_dict(torch.load(tmp_path / 'network.pth', weights_only=True))
    for one, two in zip(outputs(network, images), outputs(other, images), strict=True):
        assert torch.equal(one, two)


@pytest.mark.parametrize('name', [name for name in NETWORKS if 'gates' not in name and name != 'segnetwork'])
def test_one_batch_is_learnt(name, scene, overfit):
    """Gates are learnt by the edge-guided segmentor; SegNetwork, to which 64 pixels are 2x2 cells, has its own test."""
    images, labels = scene
    rate, steps = RATES.get(name.split(',')[0], (1e-2, 100))
    first, last, score = overfit(build(name), images, labels, rate=rate, steps=steps)
    assert last < first / 4
    assert score > 90


@pytest.mark.parametrize('name', TRUNKS)
def test_a_linear_readout_of_a_trunk_learns_one_batch(name, scene, overfit):
    class Readout(nn.Module):
        def __init__(self):
            super().__init__()
            self.trunk = build(name)
            with torch.no_grad():
                width = self.trunk(torch.zeros(1, 3, 64, 64))[0].shape[1]
            self.conv = nn.Conv2d(width, K, 1)

        def forward(self, images):
            return nn.functional.interpolate(self.conv(self.trunk(images)[0]), images.shape[-2:], mode='bilinear')

    images, labels = scene
    first, last, score = overfit(Readout(), images, labels, rate=1e-2, steps=200)
    assert last < first / 4
    assert score > 90
