"""ENet: an encoder of narrow bottlenecks that shrinks the image at once, and a decoder a fifth its size.

Source: Paszke et al. 2016, arXiv:1606.02147, sections 3 and 4.
Shapes: B batch, K classes, C channels of a bottleneck, H x W pixels, h x w a map within.
"""

from collections.abc import Callable, Sequence

import torch
from mmengine.model import BaseModule
from mmseg.registry import MODELS
from torch import Tensor, nn
from torch.nn import functional as F

from .frame import check_image

STRIDE = 8
NORM_EPS = 1e-3
EARLY_DROPOUT, LATE_DROPOUT = 0.01, 0.1

Activation = Callable[[int], nn.Module]


def relu(_channels: int) -> nn.Module:
    return nn.ReLU(inplace=True)


def normed(width: int, activation: Activation | None, *convs: nn.Module) -> nn.Sequential:
    """``convs``, then BN of ``width`` channels, then the activation, if any."""
    layers = [*convs, nn.BatchNorm2d(width, eps=NORM_EPS)]
    return nn.Sequential(*layers, activation(width)) if activation else nn.Sequential(*layers)


def pointwise(in_channels: int, width: int) -> nn.Conv2d:
    return nn.Conv2d(in_channels, width, 1, bias=False)


def dilated(width: int, dilation: int) -> nn.Conv2d:
    return nn.Conv2d(width, width, 3, padding=dilation, dilation=dilation)


def asymmetric(width: int) -> nn.Sequential:
    """A 5x1 and a 1x5 convolution, with nothing between them; only the second has a bias."""
    return nn.Sequential(
        nn.Conv2d(width, width, (5, 1), padding=(2, 0), bias=False),
        nn.Conv2d(width, width, (1, 5), padding=(0, 2)),
    )


class InitialBlock(nn.Module):
    """Halve the image: a strided convolution beside a maximum, [B, 3, H, W] -> [B, width, H/2, W/2]."""

    def __init__(self, in_channels: int, width: int):
        super().__init__()
        self.conv = nn.Conv2d(in_channels, width - in_channels, 3, stride=2, padding=1)
        self.pool = nn.MaxPool2d(2)
        self.norm = normed(width, nn.PReLU)

    def forward(self, images: Tensor) -> Tensor:
        return self.norm(torch.cat([self.conv(images), self.pool(images)], dim=1))


class Bottleneck(nn.Module):
    """Reduce to C/4 channels, convolve by ``middle``, expand and add: [B, C, h, w] -> [B, C, h, w]."""

    def __init__(self, channels: int, middle: nn.Module, dropout: float, activation: Activation):
        super().__init__()
        inner = channels // 4
        self.branch = nn.Sequential(
            normed(inner, activation, pointwise(channels, inner)),
            normed(inner, activation, middle),
            normed(channels, None, pointwise(inner, channels)),
            nn.Dropout2d(dropout),
        )
        self.activation = activation(channels)

    def forward(self, x: Tensor) -> Tensor:
        return self.activation(x + self.branch(x))


class DownBottleneck(nn.Module):
    """Halve the map: [B, C, h, w] -> ([B, width, h/2, w/2], indices [B, C, h/2, w/2] of the maxima kept)."""

    def __init__(self, channels: int, width: int, dropout: float):
        super().__init__()
        inner = width // 4
        self.added_channels = width - channels
        self.branch = nn.Sequential(
            normed(inner, nn.PReLU, nn.Conv2d(channels, inner, 2, stride=2, bias=False)),
            normed(inner, nn.PReLU, dilated(inner, 1)),
            normed(width, None, pointwise(inner, width)),
            nn.Dropout2d(dropout),
        )
        self.activation = nn.PReLU(width)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        skip, indices = F.max_pool2d(x, 2, return_indices=True)
        skip = F.pad(skip, (0, 0, 0, 0, 0, self.added_channels))
        return self.activation(skip + self.branch(x)), indices


class UpBottleneck(nn.Module):
    """Double the map, maxima back where they came from: [B, C, h, w] -> [B, width, 2h, 2w].

    ``indices`` [B, width, h, w] are those of the downsampling bottleneck that is undone.
    """

    def __init__(self, channels: int, width: int):
        super().__init__()
        inner = width // 4
        self.skip = normed(width, None, pointwise(channels, width))
        up = nn.ConvTranspose2d(inner, inner, 3, stride=2, padding=1, output_padding=1)
        self.branch = nn.Sequential(
            normed(inner, relu, pointwise(channels, inner)),
            normed(inner, relu, up),
            normed(width, None, pointwise(inner, width)),
        )

    def forward(self, x: Tensor, indices: Tensor) -> Tensor:
        return F.relu(F.max_unpool2d(self.skip(x), indices, 2) + self.branch(x))


def context_stage(channels: int) -> nn.Sequential:
    """The eight bottlenecks of stages 2 and 3, plain, dilated and asymmetric by turns."""
    inner = channels // 4
    middles = [
        dilated(inner, 1), dilated(inner, 2), asymmetric(inner), dilated(inner, 4),
        dilated(inner, 1), dilated(inner, 8), asymmetric(inner), dilated(inner, 16),
    ]  # fmt: skip
    return nn.Sequential(*(Bottleneck(channels, middle, LATE_DROPOUT, nn.PReLU) for middle in middles))


def resampled(maps: Tensor, height: int, width: int) -> Tensor:
    """Return maps [B, C, h, w] at ``height`` x ``width``, bilinearly; the same tensor where they have that size."""
    if maps.shape[-2:] == (height, width):
        return maps
    return F.interpolate(maps, (height, width), mode='bilinear', align_corners=False)


def check_widths(widths: Sequence[int], in_channels: int) -> None:
    """Refuse widths that ENet's bottlenecks cannot be cut from.

    Raises:
        ValueError: names the value and the rule.
    """
    if len(widths) != 3 or any(width < 4 or width % 4 for width in widths) or sorted(widths) != list(widths):
        raise ValueError(f'widths {tuple(widths)}: three multiples of 4 are needed, none smaller than the one before')
    if widths[0] <= in_channels:
        raise ValueError(f'widths {tuple(widths)}: the first must exceed the {in_channels} channels of the image')


@MODELS.register_module()
class ENet(BaseModule):
    """Predict logits [B, K, H, W] from images [B, C, H, W], H and W at least 64.

    363,791 parameters for K = 11, 364,311 for K = 19; 1.2706 G multiply-adds at 360x480 with K = 11.

    Sides that are no multiples of 8 are resampled to the multiple below, and the logits back to the image: the
    rebuilt network's cost at 375x1242 (6.84 GFLOPs) is one of rounded-down grids, which padding would exceed by 2.6 %.

    Args:
        num_classes: K.
        widths: channels after the initial block, in stage 1 and in stages 2 and 3; the decoder goes back through
            the first two of them.
        in_channels: C.

    Raises:
        ValueError: the widths cannot be built (see ``check_widths``), or an image has another number of channels or
            a side below 64 pixels.
    """

    def __init__(
        self,
        num_classes: int = 19,
        widths: Sequence[int] = (16, 64, 128),
        in_channels: int = 3,
        init_cfg: dict | None = None,
    ):
        super().__init__(init_cfg)
        check_widths(widths, in_channels)
        self.in_channels = in_channels
        first, shallow, deep = widths
        self.initial = InitialBlock(in_channels, first)
        self.down1 = DownBottleneck(first, shallow, EARLY_DROPOUT)
        self.stage1 = nn.Sequential(
            *(Bottleneck(shallow, dilated(shallow // 4, 1), EARLY_DROPOUT, nn.PReLU) for _ in range(4))
        )
        self.down2 = DownBottleneck(shallow, deep, LATE_DROPOUT)
        self.stage2 = context_stage(deep)
        self.stage3 = context_stage(deep)
        self.up4 = UpBottleneck(deep, shallow)
        self.stage4 = nn.Sequential(*(Bottleneck(shallow, dilated(shallow // 4, 1), 0.0, relu) for _ in range(2)))
        self.up5 = UpBottleneck(shallow, first)
        self.stage5 = Bottleneck(first, dilated(first // 4, 1), 0.0, relu)
        self.logits = nn.ConvTranspose2d(first, num_classes, 2, stride=2)

    def forward(self, images: Tensor) -> Tensor:
        check_image(images, self.in_channels)
        height, width = images.shape[-2:]
        x, fine = self.down1(self.initial(resampled(images, height // STRIDE * STRIDE, width // STRIDE * STRIDE)))
        x, coarse = self.down2(self.stage1(x))
        x = self.stage3(self.stage2(x))
        x = self.stage4(self.up4(x, coarse))
        x = self.stage5(self.up5(x, fine))
        return resampled(self.logits(x), height, width)
