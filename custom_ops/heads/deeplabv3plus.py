"""DeepLabV3+ with dense convolutions, in the layouts of three reports.

Source: Chen et al. 2018, arXiv:1802.02611; layer lists of deeplab_depth, kitti_ablation and hierarchical_attention.
Shapes: B batch, C trunk channels at stride 8 or 16 (h x w), L low-level channels at stride 4 (H x W), K classes.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from mmcv.cnn import ConvModule
from mmseg.models.decode_heads.aspp_head import ASPPModule
from mmseg.models.decode_heads.decode_head import BaseDecodeHead
from mmseg.registry import MODELS
from torch import Tensor, nn
from torch.nn import functional as F

from .deeplabv3plus_names import from_public


@MODELS.register_module()
class DeepLabV3PlusHead(BaseDecodeHead):
    """Predict logits [B, K, H, W] from trunk features [B, C, h, w] and low-level ones [B, L, H, W].

    ASPP (one 1x1, the dilated 3x3s and an image-level mean, ``channels`` each) -> 1x1 projection -> upsampling ->
    concatenation with the projected low-level features -> one 3x3 per entry of ``decoder_dropouts`` -> 1x1.
    None of the convolutions is depthwise-separable; all but the last are followed by BN and ReLU.

    Training needs at least two images a batch: the image-level mean has one value per image and channel.

    Args:
        in_channels: C, of the output ``in_index`` (the last, unless given).
        low_channels: L, of the output ``low_index``.
        low_projection: width that the low-level features are projected to.
        dilations: of the ASPP; 1 stands for the 1x1 convolution.
        aspp_dropout: probability after the projection.
        decoder_dropouts: probability after each 3x3 of the decoder; its length is their number.
        channels: width of every other layer.
        options: the toolbox's own (``num_classes``, ``norm_cfg``, ``align_corners``, ``loss_decode``, ...).

    Raises:
        ValueError: ``decoder_dropouts`` is empty.
    """

    def __init__(
        self,
        in_channels: int,
        low_channels: int,
        low_index: int = 0,
        low_projection: int = 48,
        dilations: Sequence[int] = (1, 6, 12, 18),
        aspp_dropout: float = 0.5,
        decoder_dropouts: Sequence[float] = (0.5, 0.1),
        channels: int = 256,
        **options: Any,
    ):
        if not decoder_dropouts:
            raise ValueError('decoder_dropouts is empty: the decoder needs at least one 3x3 convolution')
        options.setdefault('norm_cfg', dict(type='BN'))
        super().__init__(in_channels, channels, dropout_ratio=0, **options)
        self.low_index = low_index
        layer = dict(conv_cfg=self.conv_cfg, norm_cfg=self.norm_cfg, act_cfg=self.act_cfg)
        self.image_mean = nn.Sequential(nn.AdaptiveAvgPool2d(1), ConvModule(in_channels, channels, 1, **layer))
        self.aspp = ASPPModule(tuple(dilations), in_channels, channels, **layer)
        self.projection = nn.Sequential(
            ConvModule((len(dilations) + 1) * channels, channels, 1, **layer), nn.Dropout(aspp_dropout)
        )
        self.low = ConvModule(low_channels, low_projection, 1, **layer)
        self.decoder = nn.Sequential()
        width = channels + low_projection
        for probability in decoder_dropouts:
            self.decoder.append(ConvModule(width, channels, 3, padding=1, **layer))
            self.decoder.append(nn.Dropout(probability))
            width = channels

    @staticmethod
    def adapt_state_dict(stored: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Return a whole model's state dict with a public head under our names; see ``deeplabv3plus_names``."""
        return from_public(stored)

    def joined_features(self, inputs: Sequence[Tensor]) -> Tensor:
        """Return the decoder's input [B, low_projection + channels, H, W]: low-level features first."""
        features, low = inputs[self.in_index], self.low(inputs[self.low_index])
        # One value per channel: any interpolation of it is the same constant map.
        mean = self.image_mean(features).expand(-1, -1, *features.shape[-2:])
        context = self.projection(torch.cat([*self.aspp(features), mean], dim=1))
        context = F.interpolate(context, low.shape[-2:], mode='bilinear', align_corners=self.align_corners)
        return torch.cat([low, context], dim=1)

    def forward(self, inputs: Sequence[Tensor]) -> Tensor:
        return self.cls_seg(self.decoder(self.joined_features(inputs)))
