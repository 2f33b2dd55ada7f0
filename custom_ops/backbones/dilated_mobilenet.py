"""MobileNetV2 whose dilated stages are dilated throughout.

Source: hierarchical_attention, as coded: strides given up are turned into dilation of every later block, and the
block that gave its stride up keeps the dilation of the stage before. The toolbox's own trunk dilates only the first
block of a stage, so that most of the last two stages would see undilated neighbourhoods.
"""

from mmseg.models.backbones import MobileNetV2
from mmseg.models.utils import InvertedResidual
from mmseg.registry import MODELS
from torch import nn


@MODELS.register_module()
class DilatedMobileNetV2(MobileNetV2):
    """The toolbox's MobileNetV2 (arguments, outputs and parameters alike) with ``dilations[s]`` in all of stage s."""

    in_channels: int

    def make_layer(
        self, out_channels: int, num_blocks: int, stride: int, dilation: int, expand_ratio: int
    ) -> nn.Sequential:
        stage = len(self.layers)
        first = self.dilations[stage - 1] if stage else dilation
        blocks = []
        for index in range(num_blocks):
            blocks.append(
                InvertedResidual(
                    self.in_channels,
                    out_channels,
                    1 if index else stride,
                    expand_ratio=expand_ratio,
                    dilation=dilation if index else first,
                    conv_cfg=self.conv_cfg,
                    norm_cfg=self.norm_cfg,
                    act_cfg=self.act_cfg,
                    with_cp=self.with_cp,
                )
            )
            self.in_channels = out_channels
        return nn.Sequential(*blocks)
