"""DeepLabV3's head in torchvision's layout.

Source: Chen et al. 2017, arXiv:1706.05587; layer list of torchvision's segmentation models, which kitti_ablation used.
Shapes: B batch, C trunk channels, K classes, h x w features.
"""

from collections.abc import Sequence
from typing import Any

from mmcv.cnn import ConvModule
from mmseg.models.decode_heads import ASPPHead
from mmseg.registry import MODELS
from torch import nn


@MODELS.register_module()
class DeepLabV3Head(ASPPHead):
    """Predict logits [B, K, h, w] from trunk features [B, C, h, w].

    The toolbox's ASPP, whose concatenation goes through a 1x1 projection, dropout and a 3x3 on the projected width;
    the toolbox's own head has one 3x3 on the whole concatenation instead.

    Training needs at least two images a batch: the image-level mean has one value per image and channel.

    Args:
        dilations: of the ASPP; 1 stands for the 1x1 convolution.
        aspp_dropout: probability after the projection.
        options: the toolbox's own (``in_channels``, ``num_classes``, ``align_corners``, ``loss_decode``, ...).
    """

    def __init__(
        self, dilations: Sequence[int] = (1, 12, 24, 36), aspp_dropout: float = 0.5, channels: int = 256, **options: Any
    ):
        options.setdefault('norm_cfg', dict(type='BN'))
        options.setdefault('dropout_ratio', 0)
        super().__init__(dilations=tuple(dilations), channels=channels, **options)
        layer = dict(conv_cfg=self.conv_cfg, norm_cfg=self.norm_cfg, act_cfg=self.act_cfg)
        self.bottleneck = nn.Sequential(
            ConvModule((len(dilations) + 1) * channels, channels, 1, **layer),
            nn.Dropout(aspp_dropout),
            ConvModule(channels, channels, 3, padding=1, **layer),
        )
