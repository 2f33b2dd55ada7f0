import pytest
import torch
from torch import nn
from torch.nn import functional as F

from custom_ops.heads import DeepLabV3PlusHead

WIDTH, RATES = 256, (6, 12, 18)


def conv_norm(inputs, outputs, kernel=1, rate=1):
    padding = rate if kernel == 3 else 0
    conv = nn.Conv2d(inputs, outputs, kernel, padding=padding, dilation=rate, bias=False)
    return [conv, nn.BatchNorm2d(outputs), nn.ReLU()]


class PublicHead(nn.Module):
    """A head with the layers and names of the public model, written from its description."""

    def __init__(self, channels, low_channels, num_classes):
        super().__init__()
        self.project = nn.Sequential(*conv_norm(low_channels, 48))
        self.aspp = nn.Module()
        branches = [nn.Sequential(*conv_norm(channels, WIDTH))]
        branches += [nn.Sequential(*conv_norm(channels, WIDTH, 3, rate)) for rate in RATES]
        branches.append(nn.Sequential(nn.AdaptiveAvgPool2d(1), *conv_norm(channels, WIDTH)))
        self.aspp.convs = nn.ModuleList(branches)
        self.aspp.project = nn.Sequential(*conv_norm(5 * WIDTH, WIDTH), nn.Dropout(0.1))
        self.classifier = nn.Sequential(*conv_norm(WIDTH + 48, WIDTH, 3), nn.Conv2d(WIDTH, num_classes, 1))

    def forward(self, low, features):
        maps = [F.interpolate(branch(features), features.shape[-2:], mode='bilinear') for branch in self.aspp.convs]
        context = self.aspp.project(torch.cat(maps, dim=1))
        low = self.project(low)
        context = F.interpolate(context, low.shape[-2:], mode='bilinear', align_corners=False)
        return self.classifier(torch.cat([low, context], dim=1))


@pytest.fixture(scope='module')
def heads():
    """A public head with statistics of its own, and ours with its weights."""
    torch.manual_seed(0)
    public = PublicHead(12, 6, 5).eval()
    for layer in public.modules():
        if isinstance(layer, nn.BatchNorm2d):
            nn.init.normal_(layer.running_mean)
            nn.init.uniform_(layer.running_var, 0.5, 2)
    stored = {f'classifier.{name}': tensor for name, tensor in public.state_dict().items()}
    adapted = DeepLabV3PlusHead.adapt_state_dict(stored | {'backbone.conv1.weight': torch.zeros(1)})
    ours = DeepLabV3PlusHead(
        in_channels=12, in_index=1, low_channels=6, dilations=(1, *RATES), decoder_dropouts=(0.0,), num_classes=5
    ).eval()
    state = {name.removeprefix('decode_head.'): t for name, t in adapted.items() if name.startswith('decode_head.')}
    ours.load_state_dict(state, strict=True)
    return public, ours, adapted


def test_a_public_head_predicts_the_same_under_our_names(heads):
    public, ours, _ = heads
    low, features = torch.randn(2, 6, 16, 20), torch.randn(2, 12, 4, 5)
    with torch.no_grad():
        torch.testing.assert_close(ours([low, features]), public(low, features), rtol=1e-4, atol=1e-5)


def test_names_of_the_trunk_are_left_alone(heads):
    assert {name for name in heads[2] if not name.startswith('decode_head.')} == {'backbone.conv1.weight'}


def test_names_of_the_toolbox_are_left_alone():
    own = {'decode_head.low.conv.weight': 1, 'backbone.layer1.0.conv1.weight': 2, 'classifier.weight': 3}
    assert DeepLabV3PlusHead.adapt_state_dict(own) == own
