"""Pre-activation ResNet-50 at output stride 16, as squeeze_edge's program has it.

Source: He et al. 2016, arXiv:1603.05027 (pre-activation); squeeze_edge, as coded: a bias on every convolution, the
stride on a stage's first 1x1, no normalisation after the last stage, gates in stages 2 to 4 only, a momentum of .99 in
normalisation, and strided windows that begin at an even image's first pixels and end past its last, as Keras pads.
Shapes: B batch, C channels, H x W pixels, h x w a map within.
"""

from typing import NamedTuple

from torch import Tensor, nn
from torch.nn import functional as F

from custom_ops.branches import SqueezeExcitation

EXPANSION = 4
NORM_MOMENTUM = 0.01
"""Share of a batch's statistics in the running ones: Keras states the share of what is kept, .99."""


class Stage(NamedTuple):
    """A stage of the trunk; ``widening`` times the trunk's base width is the width of its bottlenecks."""

    blocks: int
    widening: int
    stride: int
    dilation: int
    gated: bool


STAGES = (
    Stage(blocks=3, widening=1, stride=2, dilation=1, gated=True),
    Stage(blocks=4, widening=2, stride=2, dilation=1, gated=True),
    Stage(blocks=6, widening=4, stride=1, dilation=1, gated=True),
    Stage(blocks=3, widening=8, stride=1, dilation=4, gated=False),
)


def activated(channels: int) -> nn.Sequential:
    """BN and ReLU, which come before each convolution here."""
    return nn.Sequential(nn.BatchNorm2d(channels, momentum=NORM_MOMENTUM), nn.ReLU(inplace=True))


class PreActBottleneck(nn.Module):
    """1x1, 3x3, 1x1, each after BN and ReLU, added to the input: [B, C, h, w] -> [B, 4 width, h/stride, w/stride].

    ``gate`` holds the arguments of ``SqueezeExcitation``, or None for no gate before the addition. Where the shape
    changes, the shortcut is a 1x1 of the input before its activation, unlike in the paper.
    """

    def __init__(self, in_channels: int, width: int, stride: int, dilation: int, gate: dict | None):
        super().__init__()
        out_channels = EXPANSION * width
        self.activate = activated(in_channels)
        self.reduce = nn.Conv2d(in_channels, width, 1, stride=stride)
        self.rest = nn.Sequential(
            activated(width),
            nn.Conv2d(width, width, 3, padding=dilation, dilation=dilation),
            activated(width),
            nn.Conv2d(width, out_channels, 1),
        )
        self.gate = nn.Identity() if gate is None else SqueezeExcitation(out_channels, **gate)
        self.shortcut = None
        if stride > 1 or in_channels != out_channels:
            self.shortcut = nn.Conv2d(in_channels, out_channels, 1, stride=stride)

    def forward(self, x: Tensor) -> Tensor:
        return self.with_reduced(x)[0]

    def with_reduced(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return the block's output and what its first convolution made, [B, width, h/stride, w/stride]."""
        ready = self.activate(x)
        reduced = self.reduce(ready)
        shortcut = x if self.shortcut is None else self.shortcut(x)
        return shortcut + self.gate(self.rest(reduced)), reduced


class PreActResNet(nn.Module):
    """Features of images [B, C, H, W] at three strides: (4: [B, width, ..], 8: [B, width, ..], 16: [B, 32 width, ..]).

    H and W are multiples of 4. The first is the pooled stem; the second the first 1x1 of stage 2, before its BN; the
    last the sum that ends stage 5.
    """

    def __init__(self, in_channels: int, width: int, gate: dict | None):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(in_channels, width, 7, stride=2), activated(width))
        self.pool = nn.MaxPool2d(3, stride=2)
        blocks = []
        channels = width
        for stage in STAGES:
            inner = stage.widening * width
            for index in range(stage.blocks):
                stride = 1 if index else stage.stride
                blocks.append(PreActBottleneck(channels, inner, stride, stage.dilation, gate if stage.gated else None))
                channels = EXPANSION * inner
        self.first, self.blocks = blocks[0], nn.Sequential(*blocks[1:])
        self.out_channels = channels

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        # Left, right, top, bottom; nothing after a ReLU is below the zeros.
        stem = self.pool(F.pad(self.stem(F.pad(images, (2, 3, 2, 3))), (0, 1, 0, 1)))
        x, reduced = self.first.with_reduced(stem)
        return stem, reduced, self.blocks(x)
