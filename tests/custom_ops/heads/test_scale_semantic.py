import torch
from torch import nn

from custom_ops.heads import ScaleSemanticHead

LOSS = dict(type='CrossEntropyLoss', avg_non_ignore=True)


def test_parameters_are_those_of_the_papers_layers():
    with torch.device('meta'):
        head = ScaleSemanticHead(2048, 256, num_classes=19, loss_decode=LOSS)
    aspp = 2048 * 256 * (1 + 3 * 9 + 1) + 5 * 512
    stack = 304 * 256 * 9 + 512 + 256 * 256 * 9 + 512 + 256 * 19
    assert sum(p.numel() for p in head.parameters()) == aspp + 1280 * 256 + 256 * 48 + stack


def test_only_the_aspp_and_the_3x3_are_normalised_and_nothing_has_a_bias():
    head = ScaleSemanticHead(8, 4, channels=4, low_projection=2, num_classes=3, loss_decode=LOSS)
    assert sum(isinstance(m, nn.BatchNorm2d) for m in head.modules()) == 5 + 2
    assert all(m.bias is None for m in head.modules() if isinstance(m, nn.Conv2d))
    assert not any(m.p for m in head.modules() if isinstance(m, nn.Dropout))


def test_the_attention_reads_what_the_decoder_reads():
    head = ScaleSemanticHead(8, 4, channels=4, low_projection=2, num_classes=3, in_index=1, loss_decode=LOSS).eval()
    inputs = [torch.randn(1, 4, 10, 12), torch.randn(1, 8, 5, 6)]
    joined = head.joined_features(inputs)
    assert joined.shape == (1, 6, 10, 12)
    torch.testing.assert_close(joined[:, :2], nn.functional.conv2d(inputs[0], head.low.weight))
    torch.testing.assert_close(head(inputs), head.conv_seg(head.decoder(joined)))
