"""The decoder of UPerNet as a public program of 2019 built it, on which kitti_ablation's printed cost fits.

Source: Xiao et al. 2018, arXiv:1807.10221; layers of the public program yassouali/pytorch-segmentation.
Shapes: B batch, C_1 to C_4 trunk channels of its four stages, H x W the grid of the first one, K classes.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import torch
from mmcv.cnn import ConvModule
from mmseg.models.decode_heads.decode_head import BaseDecodeHead
from mmseg.models.decode_heads.psp_head import PPM
from mmseg.registry import MODELS
from torch import Tensor, nn
from torch.nn import functional as F


@MODELS.register_module()
class PooledPyramidHead(BaseDecodeHead):
    """Predict logits [B, K, H, W] from the four stages of a trunk, each [B, C_i, h_i, w_i].

    The last stage is pooled to each of ``bins``, its means are joined to it and brought back to its own width. Each
    stage is brought to ``channels``, the one above it added (as it was: nothing is handed further down), then one 3x3
    that all levels share. The levels are joined on the first stage's grid and fused. Maps are enlarged with their
    corners aligned, logits as ``align_corners`` says. The toolbox's ``UPerHead`` hands its sums down, pools into
    ``channels``, has a 3x3 of its own for each level, normalises every layer, drops channels before it classifies and
    is 512 wide, which costs a quarter more on the same trunk.

    The mean of a single bin has one value an image and channel: training needs at least two images a batch.

    Args:
        in_channels: C_1 to C_4; C_1 must be ``channels``, for the first stage enters the pyramid as it is.
        channels: width of the pyramid.
        bins: sides of the pooled maps; each gets an equal share of C_4.
        options: the toolbox's own (``num_classes``, ``norm_cfg``, ``align_corners``, ``loss_decode``, ...).

    Raises:
        ValueError: C_1 is not ``channels``, or C_4 cannot be shared among the bins.
    """

    def __init__(
        self, in_channels: Sequence[int], channels: int = 256, bins: Sequence[int] = (1, 2, 4, 6), **options: Any
    ):
        first, *_, last = in_channels
        if first != channels:
            raise ValueError(f'the first stage has {first} channels and enters a pyramid of {channels} as it is')
        if last % len(bins):
            raise ValueError(f'{last} channels of the last stage cannot be shared equally among {len(bins)} bins')
        options.setdefault('norm_cfg', dict(type='BN'))
        options.setdefault('dropout_ratio', 0)
        options.setdefault('in_index', tuple(range(len(in_channels))))
        super().__init__(list(in_channels), channels, input_transform='multiple_select', **options)
        layer = dict(conv_cfg=self.conv_cfg, norm_cfg=self.norm_cfg, act_cfg=self.act_cfg)
        self.pooled = PPM(tuple(bins), last, last // len(bins), align_corners=True, **layer)
        self.joined = nn.Sequential(ConvModule(2 * last, last, 3, padding=1, **layer), nn.Dropout2d(0.1))
        self.laterals = nn.ModuleList(nn.Conv2d(width, channels, 1) for width in in_channels[1:])
        self.smooth = nn.Conv2d(channels, channels, 3, padding=1)
        self.fused = ConvModule(len(in_channels) * channels, channels, 3, padding=1, **layer)
        self.conv_seg = nn.Conv2d(channels, self.out_channels, 3, padding=1)

    def forward(self, inputs: Sequence[Tensor]) -> Tensor:
        first, *middle, last = self._transform_inputs(inputs)
        last = self.joined(torch.cat([last, *self.pooled(last)], dim=1))
        levels = [first, *(lateral(x) for lateral, x in zip(self.laterals, (*middle, last), strict=True))]
        sums = [level + _resize(above, level) for level, above in pairwise(levels)]
        # The highest level is not smoothed.
        grid, *coarser = [*(self.smooth(level) for level in sums), levels[-1]]
        return self.cls_seg(self.fused(torch.cat([grid, *(_resize(x, grid) for x in coarser)], dim=1)))


def _resize(features: Tensor, to: Tensor) -> Tensor:
    return F.interpolate(features, to.shape[-2:], mode='bilinear', align_corners=True)
