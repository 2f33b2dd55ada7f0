"""U-Net with a ResNet encoder.

Source: Ronneberger et al. 2015, arXiv:1505.04597 (skips); He et al. 2016 (encoder); the usual pairing of the two:
five decoder stages of two 3x3 convolutions after a nearest-neighbour upsampling.
Shapes: B batch, K classes, H x W pixels, h x w a map within.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import torch
from mmcv.cnn import ConvModule
from mmseg.models.backbones import ResNet
from mmseg.registry import MODELS
from torch import Tensor, nn
from torch.nn import functional as F

from .frame import check_image, pad_to_stride

STRIDE = 32


class UNetStage(nn.Module):
    """Double the map, join the encoder's, convolve twice: [B, C, h, w] -> [B, width, 2h, 2w]."""

    def __init__(self, in_channels: int, skip_channels: int, width: int, norm_cfg: dict):
        super().__init__()
        self.convs = nn.Sequential(
            ConvModule(in_channels + skip_channels, width, 3, padding=1, norm_cfg=norm_cfg),
            ConvModule(width, width, 3, padding=1, norm_cfg=norm_cfg),
        )

    def forward(self, x: Tensor, skip: Tensor | None) -> Tensor:
        x = F.interpolate(x, scale_factor=2, mode='nearest')
        return self.convs(x if skip is None else torch.cat([x, skip], dim=1))


@MODELS.register_module()
class ResNetUNet(ResNet):
    """Predict logits [B, K, H, W] from images [B, C, H, W], H and W at least 64; padded to multiples of 32 inside.

    14,328,209 parameters with ResNet-18, 51,513,233 with ResNet-101 (K = 1). The encoder's parameters have the names
    of a plain ResNet's, so that its weights load by name.

    Args:
        depth: of the encoder: 18, 34, 50, 101 or 152.
        num_classes: K.
        decoder: width of each of the five decoder stages; the first four join the encoder's maps.
        options: the toolbox's ResNet's own (``in_channels``, ``base_channels``, ``norm_cfg``, ...).

    Raises:
        ValueError: the depth is not offered, the decoder has not five stages, or an image has another number of
            channels or a side below 64 pixels.
    """

    def __init__(
        self,
        depth: int,
        num_classes: int = 19,
        decoder: Sequence[int] = (256, 128, 64, 32, 16),
        **options: Any,
    ):
        if depth not in self.arch_settings:
            raise ValueError(f'depth {depth}: choose from {", ".join(map(str, self.arch_settings))}')
        if len(decoder) != 5:
            raise ValueError(f'{len(decoder)} decoder widths {tuple(decoder)}: the encoder halves five times')
        super().__init__(depth, **(dict(norm_cfg=dict(type='BN'), zero_init_residual=False) | options))
        self.in_channels = self.conv1.in_channels
        stages = [self.base_channels * 2**stage * self.block.expansion for stage in range(4)]
        skips = (*stages[2::-1], self.stem_channels, 0)
        self.decoder = nn.ModuleList(
            UNetStage(before, skip, after, self.norm_cfg)
            for (before, after), skip in zip(pairwise((stages[-1], *decoder)), skips, strict=True)
        )
        self.logits = nn.Conv2d(decoder[-1], num_classes, 3, padding=1)

    def forward(self, images: Tensor) -> Tensor:
        check_image(images, self.in_channels)
        height, width = images.shape[-2:]
        stem = self.relu(self.norm1(self.conv1(pad_to_stride(images, STRIDE))))
        *skips, x = stem, *self._stages(self.maxpool(stem))
        for stage in self.decoder:
            x = stage(x, skips.pop() if skips else None)
        return self.logits(x)[..., :height, :width]

    def _stages(self, x: Tensor) -> list[Tensor]:
        """Return the output of each of the four residual stages."""
        outputs = []
        for name in self.res_layers:
            x = getattr(self, name)(x)
            outputs.append(x)
        return outputs
