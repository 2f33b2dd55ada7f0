"""Explicit attention to scale: one softmax over a fixed set of scales.

Source: Chen, Yang, Wang, Xu & Yuille 2016, "Attention to Scale: Scale-aware Semantic Image Segmentation", CVPR.
Shapes: B images, C feature channels of one scale, S scales, K classes, H x W the feature grid of scale 1.
"""

from collections.abc import Sequence
from typing import Any

import torch
from mmengine.model import BaseModule
from mmseg.registry import MODELS
from torch import Tensor, nn

from .scale_attention import check_channels, resize_to


def weigh_scales(logits: Sequence[Tensor], weights: Tensor, size: Sequence[int]) -> Tensor:
    """Return the sum over scales of weights times logits, [B, K, *size], both resized to ``size`` first.

    Args:
        logits: one [B, K, h, w] per scale, each on its own grid.
        weights: [B, S, h, w], in the same order.
        size: rows and columns.

    Raises:
        ValueError: there is not one weight per scale.
    """
    if not logits or weights.dim() != 4 or weights.shape[1] != len(logits):
        raise ValueError(
            f'weights {tuple(weights.shape)} for {len(logits)} scales; they must be [B, {len(logits)}, h, w]'
        )
    shares = resize_to(weights, size).split(1, dim=1)
    joint = shares[0] * resize_to(logits[0], size)
    for share, own in zip(shares[1:], logits[1:], strict=True):
        joint = joint + share * resize_to(own, size)
    return joint


@MODELS.register_module()
class ExplicitAttentionHead(BaseModule):
    """Predict one weight per scale and pixel [B, S, H, W], summing to one over S, from features [B, S * C, H, W].

    3x3 convolution, ReLU, 1x1 convolution, softmax over scales; both have a bias.

    Args:
        in_channels: C, the channels of one scale.
        num_scales: S.
        channels: width of the 3x3 convolution.
        reads: where the segmentor takes the features, see ``ScaleAttentionHead``.

    Raises:
        ValueError: in ``forward``, the features do not have S * C channels.
    """

    def __init__(
        self,
        in_channels: int,
        num_scales: int = 3,
        channels: int = 512,
        reads: str | int = 'conv_seg',
        init_cfg: Any = None,
    ):
        super().__init__(init_cfg)
        self.in_channels, self.num_scales, self.reads = in_channels, num_scales, reads
        self.layers = nn.Sequential(
            nn.Conv2d(num_scales * in_channels, channels, 3, padding=1),
            nn.ReLU(inplace=True),
            nn.Conv2d(channels, num_scales, 1),
        )

    def forward(self, features: Tensor) -> Tensor:
        check_channels(self, features, self.num_scales * self.in_channels)
        return torch.softmax(self.layers(features), dim=1)
