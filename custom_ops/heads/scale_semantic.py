"""DeepLabV3+ as the hierarchical multi-scale attention paper trains it.

Source: Tao, Sapra & Catanzaro 2020, arXiv:2005.10821, and the program published with it.
Shapes: B batch, C trunk channels at stride 8 (h x w), L low-level channels at stride 4 (H x W), K classes.
"""

from collections.abc import Sequence
from typing import Any

from mmseg.registry import MODELS
from torch import nn

from .deeplabv3plus import DeepLabV3PlusHead


@MODELS.register_module()
class ScaleSemanticHead(DeepLabV3PlusHead):
    """Predict logits [B, K, H, W] from trunk features [B, C, h, w] and low-level ones [B, L, H, W].

    As ``DeepLabV3PlusHead`` with two 3x3 and no dropout, except that the ASPP and the low-level features are narrowed
    by a bare 1x1 convolution each (no bias, BN or ReLU), and that the classifier has no bias. The input of its layer
    ``decoder`` is what the paper's attention head reads too: 48 + 256 = 304 channels.

    Args:
        in_channels: C.
        low_channels: L.
        low_projection: width that the low-level features are narrowed to.
        dilations: of the ASPP; 1 stands for the 1x1 convolution.
        channels: width of every other layer.
        options: those of ``DeepLabV3PlusHead`` and the toolbox.
    """

    def __init__(
        self,
        in_channels: int,
        low_channels: int,
        low_projection: int = 48,
        dilations: Sequence[int] = (1, 12, 24, 36),
        channels: int = 256,
        **options: Any,
    ):
        super().__init__(
            in_channels,
            low_channels,
            low_projection=low_projection,
            dilations=dilations,
            aspp_dropout=0.0,
            decoder_dropouts=(0.0, 0.0),
            channels=channels,
            **options,
        )
        self.projection = nn.Conv2d((len(dilations) + 1) * channels, channels, 1, bias=False)
        self.low = nn.Conv2d(low_channels, low_projection, 1, bias=False)
        self.conv_seg = nn.Conv2d(channels, self.out_channels, 1, bias=False)
