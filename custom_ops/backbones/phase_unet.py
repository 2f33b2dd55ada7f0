"""PhaseUNet: every network of unet_phases as one family of arguments.

Source: unet_phases, section II (channel lists and layer orders); the skips are concatenated, as in the U-Net the
report cites. Shapes: B batch, K classes, H x W pixels, E encoder blocks.

An encoder of E blocks halves the map after each block (or never, without pooling); the decoder has as many stages
as the encoder has blocks, each doubling the map and ending in its own width, the last one in K.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import Literal, get_args

import torch
from mmengine.model import BaseModule
from mmseg.registry import MODELS
from torch import Tensor, nn
from torch.nn import functional as F

from .frame import check_image

Upsampling = Literal['none', 'bilinear', 'transposed']
Order = Literal['conv_first', 'up_first']


def conv_stack(in_channels: int, width: int, convs: int, batch_norm: bool, *, last_relu: bool = True) -> nn.Sequential:
    """``convs`` times [3x3 convolution, (BN,) ReLU] from ``in_channels`` to ``width``, size kept.

    ``last_relu=False`` leaves out the ReLU of the last convolution: a stack that ends in logits.
    """
    layers: list[nn.Module] = []
    for index in range(convs):
        layers.append(nn.Conv2d(width if index else in_channels, width, 3, padding=1))
        if batch_norm:
            layers.append(nn.BatchNorm2d(width))
        if last_relu or index < convs - 1:
            layers.append(nn.ReLU(inplace=True))
    return nn.Sequential(*layers)


class EncoderBlock(nn.Module):
    """A stack of convolutions [B, C, h, w] -> [B, width, h, w], with a shortcut around it where ``residual``."""

    def __init__(self, in_channels: int, width: int, convs: int, batch_norm: bool, residual: bool):
        super().__init__()
        self.convs = conv_stack(in_channels, width, convs, batch_norm)
        self.shortcut: nn.Module | None = None
        if residual:
            # The source adds input to output without a word on widths: project only where they differ.
            self.shortcut = nn.Identity() if in_channels == width else nn.Conv2d(in_channels, width, 1)

    def forward(self, x: Tensor) -> Tensor:
        features = self.convs(x)
        return features if self.shortcut is None else features + self.shortcut(x)


class DecoderStage(nn.Module):
    """Double the map (unless ``upsampling='none'``), join the encoder's features, convolve to ``width``.

    ``conv_first``: convolutions, then upsampling (phases 1 to 4; the encoder's features cannot be joined).
    ``up_first``: upsampling, ReLU, [concatenation of ``skip`` [B, skip_channels, 2h, 2w],] convolutions.
    ``last``: the stage ends in logits, which no ReLU may clip.
    """

    def __init__(
        self,
        in_channels: int,
        width: int,
        skip_channels: int,
        convs: int,
        batch_norm: bool,
        upsampling: Upsampling,
        order: Order,
        dropout: float,
        last: bool,
    ):
        super().__init__()
        self.order = order
        up_first = order == 'up_first'
        self.dropout = nn.Dropout(dropout) if last and dropout else None
        self.up = self._upsampling(upsampling, in_channels if up_first else width, width, relu=up_first)
        inputs = in_channels
        if up_first:
            inputs = skip_channels + (width if upsampling == 'transposed' else in_channels)
        # A transposed convolution after the last ReLU makes the logits itself, so that ReLU is harmless.
        ends_in_logits = last and (up_first or upsampling != 'transposed')
        self.convs = conv_stack(inputs, width, convs, batch_norm, last_relu=not ends_in_logits)

    @staticmethod
    def _upsampling(kind: Upsampling, in_channels: int, width: int, *, relu: bool) -> nn.Module:
        if kind == 'none':
            return nn.Identity()
        if kind == 'bilinear':
            # The module the report names (UpsamplingBilinear2d) aligns corners.
            return nn.Upsample(scale_factor=2, mode='bilinear', align_corners=True)
        up = nn.ConvTranspose2d(in_channels, width, 2, stride=2)
        return nn.Sequential(up, nn.ReLU(inplace=True)) if relu else up

    def forward(self, x: Tensor, skip: Tensor | None) -> Tensor:
        if self.order == 'up_first':
            x = self.up(x)
            if skip is not None:
                x = torch.cat([x, skip], dim=1)
        if self.dropout is not None:
            x = self.dropout(x)
        x = self.convs(x)
        return self.up(x) if self.order == 'conv_first' else x


def check_family(
    encoder: Sequence[int], decoder: Sequence[int], pooling: bool, upsampling: str, order: str, skips: bool
) -> None:
    """Refuse arguments that describe no network of the family.

    Raises:
        ValueError: names the value, the rule and the choices.
    """
    if upsampling not in get_args(Upsampling):
        raise ValueError(f'upsampling {upsampling!r}: choose from {", ".join(get_args(Upsampling))}')
    if order not in get_args(Order):
        raise ValueError(f'order {order!r}: choose from {", ".join(get_args(Order))}')
    if pooling and len(decoder) != len(encoder) - 1:
        raise ValueError(
            f'{len(decoder)} decoder widths for {len(encoder)} encoder blocks: one less is needed, the last is K'
        )
    if pooling == (upsampling == 'none'):
        raise ValueError(f'pooling={pooling} with upsampling={upsampling!r}: the logits would not have the input size')
    if skips and (order == 'conv_first' or not pooling):
        raise ValueError(f'skips with order={order!r}, pooling={pooling}: they join only after an upsampling')


@MODELS.register_module()
class PhaseUNet(BaseModule):
    """Predict logits [B, K, H, W] from images [B, 3, H, W] of any size; the input is zero-padded to ``stride``.

    Args:
        num_classes: K; the report's networks have ten outputs, nine classes and the boundary it ignores.
        encoder: width of each encoder block.
        decoder: width of each decoder stage but the last, whose width is K.
        stem: width of ``stem_convs`` convolutions at full size before the encoder, or None.
        encoder_convs: 3x3 convolutions per encoder block.
        decoder_convs: 3x3 convolutions per decoder stage.
        pooling: 2x2 maximum after each encoder block. Without it the network works at full size throughout.
        upsampling: how a decoder stage doubles the map; ``'none'`` without pooling.
        order: ``'conv_first'`` (conv, ReLU, up) or ``'up_first'`` (up, ReLU, conv).
        batch_norm: between every 3x3 convolution and its ReLU, the convolution that makes the logits included.
        dropout: probability, after the encoder and before the last stage's convolution; 0 leaves both out.
        skips: concatenate each block's features, taken before the pooling, to the stage of the same size.
        residual: add each encoder block's input to its output (1x1 projection where the widths differ).
        clip_logits: put a ReLU after the logits, as phase 1 has it by the letter.

    Raises:
        ValueError: the arguments contradict each other, see ``check_family``; an image has other than three channels.
    """

    def __init__(
        self,
        num_classes: int,
        encoder: Sequence[int],
        decoder: Sequence[int] = (),
        stem: int | None = None,
        stem_convs: int = 2,
        encoder_convs: int = 1,
        decoder_convs: int = 1,
        pooling: bool = True,
        upsampling: Upsampling = 'transposed',
        order: Order = 'up_first',
        batch_norm: bool = False,
        dropout: float = 0.0,
        skips: bool = False,
        residual: bool = False,
        clip_logits: bool = False,
        init_cfg: dict | None = None,
    ):
        super().__init__(init_cfg)
        check_family(encoder, decoder, pooling, upsampling, order, skips)
        self.stride = 2 ** len(encoder) if pooling else 1
        self.skips = skips
        self.clip_logits = clip_logits
        self.stem = conv_stack(3, stem, stem_convs, batch_norm) if stem else nn.Identity()
        inputs = (stem or 3, *encoder)
        self.encoder = nn.ModuleList(
            EncoderBlock(i, width, encoder_convs, batch_norm, residual) for i, width in pairwise(inputs)
        )
        self.pool = nn.MaxPool2d(2) if pooling else nn.Identity()
        self.dropout = nn.Dropout(dropout)
        joined = tuple(reversed(encoder)) if skips else (0,) * (len(decoder) + 1)
        widths = (encoder[-1], *decoder, num_classes)
        self.decoder = nn.ModuleList(
            DecoderStage(
                i,
                width,
                joined[stage],
                decoder_convs,
                batch_norm,
                upsampling,
                order,
                # "After the decoding part" would drop class logits: read as before the last convolution.
                dropout,
                last=stage == len(decoder),
            )
            for stage, (i, width) in enumerate(pairwise(widths))
        )

    def forward(self, images: Tensor) -> Tensor:
        check_image(images, 3, minimum=1)
        height, width = images.shape[-2:]
        x = self.stem(F.pad(images, (0, -width % self.stride, 0, -height % self.stride)))
        features = []
        for block in self.encoder:
            x = block(x)
            features.append(x)
            x = self.pool(x)
        x = self.dropout(x)
        for stage in self.decoder:
            skip = features.pop() if self.skips else None
            x = stage(x, skip)
        return (F.relu(x) if self.clip_logits else x)[..., :height, :width]
