"""Explicit attention to scale: one softmax over a fixed set of scales.

Source: Chen, Yang, Wang, Xu & Yuille 2016, "Attention to Scale: Scale-aware Semantic Image Segmentation", CVPR.
Shapes: B images, C feature channels of one scale, S scales, K classes, H x W the feature grid of scale 1.
"""

from typing import Any

import torch
from mmengine.model import BaseModule
from mmseg.registry import MODELS
from torch import Tensor, nn

from .scale_attention import check_channels, resize_to


def weigh_scales(logits: list[Tensor], weights: Tensor) -> Tensor:
    """Return the sum over scales of ``weights`` [B, S, H, W] times the logits, of the shape of the first logits.

    ``logits``: S tensors [B, K, h, w], the first on the grid that the others and the weights are resized to.

    Raises:
        ValueError: there is not one weight per scale.
    """
    if not logits or weights.dim() != 4 or weights.shape[1] != len(logits):
        raise ValueError(f'weights {tuple(weights.shape)} for {len(logits)} scales; they must be [B, {len(logits)}, h, w]')
    size = logits[0].shape[-2:]
    shares = resize_to(weights, size).split(1, dim=1)
    joint = shares[0] * logits[0]
    for share, one in zip(shares[1:], logits[1:], strict=True):
        joint = joint + share * resize_to(one, size)
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
