"""Known answers of torch, wrong ones, that our defaults step around.

A failure here after an upgrade is no bug of ours: torch has changed, and what steps around it may go.
"""

from itertools import product

import pytest
import torch
from torch import nn

ONE_DNN = torch.backends.mkldnn.is_available() and torch.ops.mkldnn._is_mkldnn_bf16_supported()
VERSION = tuple(int(part) for part in torch.__version__.split('.')[:2])


def relative_error(channels, dilation, layout):
    """Return how far the weight gradient of a depthwise convolution under autocast is off, in parts of its own size."""
    torch.manual_seed(0)
    where = dict(padding=dilation, dilation=dilation, groups=channels)
    conv = nn.Conv2d(channels, channels, 3, **where).to(memory_format=layout)
    images = torch.randn(2, channels, 24, 30).to(memory_format=layout)
    with torch.autocast('cpu', torch.bfloat16):
        output = conv(images)
    output.float().square().mean().backward()
    gradient = (output.detach().float() * 2 / output.numel()).contiguous()
    expected = nn.grad.conv2d_weight(images.contiguous(), conv.weight.shape, gradient, **where)
    return float((conv.weight.grad - expected).norm() / expected.norm())


@pytest.mark.skipif(not ONE_DNN, reason='on this processor bfloat16 convolutions are not those of oneDNN')
@pytest.mark.skipif(VERSION < (2, 13), reason='known of torch 2.13 alone')
def test_gradients_of_dilated_depthwise_convolutions_are_wrong_in_channels_last_and_bfloat16():
    """See ``bench/running/layout.py``; some come out infinite, so that only those that are right can be compared."""
    cases = list(product((8, 32, 96), (2, 4)))
    assert all(relative_error(*case, torch.contiguous_format) < 0.02 for case in cases)
    assert not all(relative_error(*case, torch.channels_last) < 0.02 for case in cases)
    assert all(relative_error(channels, 1, torch.channels_last) < 0.02 for channels, _ in cases)
