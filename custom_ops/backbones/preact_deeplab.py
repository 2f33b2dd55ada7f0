"""squeeze_edge's network: a pre-activation ResNet-50, an ASPP and a decoder that doubles the map four times.

Source: squeeze_edge, "Implementation Details"; layers of the report's public program.
Shapes: B batch, K classes, H x W pixels, h x w a map within.
"""

from collections.abc import Mapping

import torch
from mmengine.model import BaseModule
from mmseg.registry import MODELS
from torch import Tensor, nn
from torch.nn import functional as F

from .frame import check_image, pad_to_stride
from .preact_names import from_resnet50
from .preact_resnet import NORM_MOMENTUM, PreActBottleneck, PreActResNet

STRIDE = 16
DILATIONS = (6, 12, 18)
# Channels for a trunk of the documented base width, 64; narrower trunks get narrower decoders.
BASE_WIDTH = 64
CONTEXT, SKIP, DECODER, LAST = 256, 48, (64, 64, 32, 16), 8


def separable(in_channels: int, width: int) -> nn.Sequential:
    """A bias-free depthwise 1x1, which scales each channel, and a pointwise convolution to ``width``."""
    return nn.Sequential(
        nn.Conv2d(in_channels, in_channels, 1, groups=in_channels, bias=False), nn.Conv2d(in_channels, width, 1)
    )


class ContextPyramid(nn.Module):
    """The ASPP: normalised features in place of the image-level mean, a 1x1 and three dilated 3x3, all linear.

    [B, in_channels, h, w] -> [B, width, h, w].
    """

    def __init__(self, in_channels: int, width: int):
        super().__init__()
        self.norm = nn.BatchNorm2d(in_channels, momentum=NORM_MOMENTUM)
        self.branches = nn.ModuleList(
            [
                nn.Conv2d(in_channels, width, 1),
                *(nn.Conv2d(in_channels, width, 3, padding=rate, dilation=rate) for rate in DILATIONS),
            ]
        )
        joined = in_channels + len(self.branches) * width
        self.projection = nn.Sequential(separable(joined, width), nn.BatchNorm2d(width, momentum=NORM_MOMENTUM))

    def forward(self, features: Tensor) -> Tensor:
        context = [self.norm(features), *(branch(features) for branch in self.branches)]
        return self.projection(torch.cat(context, dim=1))


def initialise(network: nn.Module) -> None:
    """Draw all weights as Keras does unless told otherwise, and the convolved shortcuts as the program tells it.

    Glorot and Bengio 2010, uniform, with biases of zero; shortcuts He et al. 2015, arXiv:1502.01852, normal over the
    inputs (not cut off at two standard deviations here).
    """
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            nn.init.xavier_uniform_(module.weight)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
    for module in network.modules():
        if isinstance(module, PreActBottleneck) and module.shortcut is not None:
            nn.init.kaiming_normal_(module.shortcut.weight)


def doubled(x: Tensor) -> Tensor:
    return F.interpolate(x, scale_factor=2, mode='nearest')


@MODELS.register_module()
class PreActDeepLab(BaseModule):
    """Predict logits [B, K, H, W] from images [B, C, H, W], H and W at least 64; padded to multiples of 16 inside.

    C is 3, or 4 with ``edge_channel``: the fourth channel is an edge map, which enters the stem with the image and
    again the last two convolutions. For K = 29: 39,257,053 parameters, 40,208,653 with gates, 40,211,861 with gates
    and the edge channel; 5.14, 20.57 and 83.75 G multiply-adds at 128x224, 256x448 and 512x912.

    Args:
        num_classes: K.
        excitation: arguments of ``SqueezeExcitation`` for the 13 blocks of the first three stages (``{}`` for its
            defaults), or None for no gates.
        edge_channel: expect the edge map.
        width: of the stem; every other width follows. 64 is documented.

    Raises:
        ValueError: ``width`` is no multiple of 16, or an image has another number of channels or a side below 64
            pixels.
    """

    def __init__(
        self,
        num_classes: int = 29,
        excitation: dict | None = None,
        edge_channel: bool = False,
        width: int = BASE_WIDTH,
        init_cfg: dict | None = None,
    ):
        super().__init__(init_cfg)
        if width < 16 or width % 16:
            raise ValueError(f'width {width}: must be a multiple of 16 (the decoder has down to a quarter of it)')
        self.edge_channel = edge_channel
        self.in_channels = 4 if edge_channel else 3
        context, skip, last = (channels * width // BASE_WIDTH for channels in (CONTEXT, SKIP, LAST))
        up8, up4, up2, up1 = (channels * width // BASE_WIDTH for channels in DECODER)
        self.trunk = PreActResNet(self.in_channels, width, excitation)
        self.context = ContextPyramid(self.trunk.out_channels, context)
        self.skip8, self.skip4 = separable(width, skip), separable(width, skip)
        self.up8 = nn.Conv2d(context, up8, 3, padding=1)
        self.up4 = nn.Conv2d(up8 + skip, up4, 3, padding=1)
        self.up2 = nn.Conv2d(up4 + skip, up2, 3, padding=1)
        self.up1 = nn.Conv2d(up2, up1, 3, padding=1)
        # Nothing between these two, in the source: together they are one linear map.
        self.last = nn.Conv2d(up1 + edge_channel, last, 3, padding=1)
        self.logits = nn.Conv2d(last, num_classes, 3, padding=1)
        initialise(self)

    @staticmethod
    def adapt_state_dict(stored: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Return what the source took over of an image classifier's ResNet-50; see ``preact_names``."""
        return from_resnet50(stored)

    def forward(self, images: Tensor) -> Tensor:
        check_image(images, self.in_channels)
        height, width = images.shape[-2:]
        padded = pad_to_stride(images, STRIDE)
        stem, reduced, features = self.trunk(padded)
        x = F.relu(self.up8(doubled(self.context(features))))
        x = F.relu(self.up4(doubled(torch.cat([x, self.skip8(reduced)], dim=1))))
        x = F.relu(self.up2(doubled(torch.cat([x, self.skip4(stem)], dim=1))))
        x = F.relu(self.up1(doubled(x)))
        if self.edge_channel:
            x = torch.cat([x, padded[:, 3:]], dim=1)
        return self.logits(self.last(x))[..., :height, :width]
