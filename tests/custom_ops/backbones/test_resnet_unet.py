import pytest
import torch
from torch import nn
from torch.nn import functional as F

from custom_ops.backbones import ResNetUNet
from custom_ops.backbones.resnet_unet import UNetStage

TRUNKS = {18: 11_176_512, 50: 23_508_032, 101: 42_500_160}


def on_meta(depth, **options):
    with torch.device('meta'):
        return ResNetUNet(depth, **options)


@pytest.mark.parametrize('depth', TRUNKS)
def test_encoder_is_the_plain_trunk(depth):
    network = on_meta(depth)
    own = sum(p.numel() for n, p in network.named_parameters() if not n.startswith(('decoder', 'logits')))
    assert own == TRUNKS[depth]


def test_each_stage_joins_the_map_of_its_size():
    network, joined = on_meta(18), []
    network.eval()
    for stage in network.decoder:
        stage.convs.register_forward_hook(lambda _m, inputs, _o: joined.append(tuple(inputs[0].shape[1:])))
    network(torch.empty(1, 3, 64, 96, device='meta'))
    assert joined == [(512 + 256, 4, 6), (256 + 128, 8, 12), (128 + 64, 16, 24), (64 + 64, 32, 48), (32, 64, 96)]


def test_stage_is_the_same_as_its_layers_written_out():
    torch.manual_seed(0)
    stage = UNetStage(4, 3, 5, dict(type='BN')).eval()
    x, skip = torch.randn(1, 4, 3, 5), torch.randn(1, 3, 6, 10)
    y = torch.cat([x.repeat_interleave(2, -1).repeat_interleave(2, -2), skip], 1)
    for layer in stage.convs:
        y = F.relu(layer.bn(F.conv2d(y, layer.conv.weight, padding=1)))
    torch.testing.assert_close(stage(x, skip), y)


def test_all_but_the_last_convolution_are_normalised_and_bias_free():
    biased = [n for n, m in on_meta(18).named_modules() if isinstance(m, nn.Conv2d) and m.bias is not None]
    assert biased == ['logits']


def test_every_map_of_the_encoder_reaches_the_logits():
    """Cut the way up at its start: only the skips are left to carry the image."""
    torch.manual_seed(0)
    network = ResNetUNet(18, 2, decoder=(8, 8, 8, 8, 8), base_channels=4, stem_channels=4)
    network.eval()
    images = torch.randn(1, 3, 64, 64, requires_grad=True)
    maps = []
    for name in network.res_layers:
        getattr(network, name).register_forward_hook(lambda _m, _i, output: maps.append(output))
    logits = network(images)
    gradients = torch.autograd.grad(logits.square().sum(), maps)
    assert len(gradients) == 4 and all(gradient.abs().sum() > 0 for gradient in gradients)


def test_depths_not_offered_are_refused():
    with pytest.raises(ValueError, match='depth 20: choose from 18, 34, 50, 101, 152'):
        ResNetUNet(20)


def test_decoders_of_another_length_are_refused():
    with pytest.raises(ValueError, match=r'2 decoder widths \(8, 4\): the encoder halves five times'):
        ResNetUNet(18, decoder=(8, 4))
