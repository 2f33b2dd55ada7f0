"""Hierarchical multi-scale attention: each pixel chooses how far to trust a coarser look at the image.

Source: Tao, Sapra & Catanzaro 2020, arXiv:2005.10821; the attention block of hierarchical_attention.
Shapes: B images, C feature channels, K classes; a scale s has its own grid of h x w = floor(s*H) x floor(s*W) pixels.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import torch
from mmcv.cnn import ConvModule, build_norm_layer
from mmengine.model import BaseModule
from mmseg.registry import MODELS
from torch import Tensor, nn
from torch.nn import functional as F

ScaleMaps = tuple[Tensor, Tensor | None]
Activation = Callable[[Tensor], Tensor]


def resize_to(maps: Tensor, size: Sequence[int]) -> Tensor:
    """Return ``maps`` [B, C, h, w] resized to ``size`` (rows, columns): bilinear, corners not aligned, no antialias."""
    if tuple(maps.shape[-2:]) == tuple(size):
        return maps
    return F.interpolate(maps, tuple(size), mode='bilinear', align_corners=False)


def fuse_two_scales(low_logits: Tensor, low_attention: Tensor, high_logits: Tensor) -> Tensor:
    """Return ``up(a * low) + (1 - up(a)) * high``, of the shape of ``high_logits`` [B, K, H, W].

    The product is taken on the coarse grid, before upsampling: afterwards it would be another number.

    Args:
        low_logits: of the lower scale [B, K, h, w].
        low_attention: its attention ``a`` [B, 1, h, w] in (0, 1): 1 keeps only the lower scale, 0 only the higher.
        high_logits: of the higher scale, or what higher scales were fused to.

    Raises:
        ValueError: the logits disagree in images or classes, or the attention is not one map on their grid.
    """
    _checked_attention('lower', low_logits, low_attention)
    _check_same_classes(low_logits, high_logits)
    return _blend_up(low_logits, low_attention, high_logits)


def fuse_scales(outputs: Mapping[float, ScaleMaps], activation: Activation | None = None) -> Tensor:
    """Fuse any number of scales, from the highest to the lowest, on the grid of scale 1.

    Args:
        outputs: scale -> (logits [B, K, h, w], attention [B, 1, h, w]), in any order. The attention of the highest
            scale is not read and may be None.
        activation: applied to the highest scale's logits and to the result of every fusion. None is the method;
            ``torch.sigmoid`` is what the program of hierarchical_attention did.

    Returns:
        [B, K, H, W], the size of the logits of scale 1. For the scales {s, 1} with s < 1 and no activation it equals
        ``fuse_two_scales`` bit for bit.

    Raises:
        ValueError: 1.0 is not among the scales, a scale is not positive, or the maps do not fit each other.
    """
    joint: Tensor | None = None
    for scale in check_scales(outputs):
        joint = join_scale(joint, scale, *outputs[scale], activation)
    if joint is None:
        raise ValueError('no scale was given; the scales must hold 1.0')
    return joint


def join_scale(
    joint: Tensor | None, scale: float, logits: Tensor, attention: Tensor | None, activation: Activation | None = None
) -> Tensor:
    """Fuse one more scale, lower than those before, into ``joint`` (None at the first, the highest).

    The step of ``fuse_scales``, for callers that would rather not hold all scales in memory. Shapes, ``activation``
    and errors as there. Down to scale 1 the result has the grid of the scale that was joined, below it keeps its own.
    """
    if joint is None:
        fused = logits
    else:
        trust = _checked_attention(f'scale {scale:g}', logits, attention)
        _check_same_classes(logits, joint)
        if scale < 1:
            fused = _blend_up(logits, trust, joint)
        else:
            fused = trust * logits + (1 - trust) * resize_to(joint, logits.shape[-2:])
    return fused if activation is None else activation(fused)


def scale_shares(attentions: Mapping[float, Tensor | None]) -> dict[float, Tensor]:
    """Return how much each scale counts in the fusion: scale -> [B, 1, H, W] on the grid of scale 1, summing to one.

    ``attentions`` holds [B, 1, h, w] for each scale on its own grid; the highest's values are not read, but its grid
    is, so that it may not be None. Made for plots: attention alone does not say what a chain of scales ends in.

    Raises:
        ValueError: as ``fuse_scales``, or an attention is missing.
    """
    scales = check_scales(attentions)
    outputs: dict[float, ScaleMaps] = {}
    for index, scale in enumerate(scales):
        attention = attentions[scale]
        if attention is None:
            raise ValueError(f'the attention of scale {scale:g} is None; shares need one for each of {_listed(scales)}')
        indicator = attention.new_zeros(len(scales)).index_fill_(0, torch.tensor(index, device=attention.device), 1)
        outputs[scale] = (indicator.view(1, -1, 1, 1).expand(len(attention), -1, *attention.shape[-2:]), attention)
    shares = fuse_scales(outputs)
    return {scale: shares[:, index : index + 1] for index, scale in enumerate(scales)}


def check_scale(scale: float) -> None:
    """Refuse a ``scale`` that is no factor on a size.

    Raises:
        ValueError: it is not positive and finite.
    """
    if not 0 < scale < float('inf'):
        raise ValueError(f'scale {scale:g} is not positive and finite; it multiplies a size: choose 0.5, 2 or the like')


def check_scales(scales: Iterable[float]) -> tuple[float, ...]:
    """Return the distinct ``scales``, from the highest to the lowest.

    Raises:
        ValueError: one is not positive or comes twice, or 1.0 is missing.
    """
    ordered = sorted((float(scale) for scale in scales), reverse=True)
    for scale in ordered:
        check_scale(scale)
    if len(set(ordered)) < len(ordered):
        raise ValueError(f'the scales {_listed(ordered)} hold one twice; each must be given once')
    if 1.0 not in ordered:
        raise ValueError(f'the scales {_listed(ordered)} lack 1.0; the fused logits have its size, so add 1.0 to them')
    return tuple(ordered)


def _listed(scales: Sequence[float]) -> str:
    return '{' + ', '.join(f'{scale:g}' for scale in scales) + '}'


def _blend_up(logits: Tensor, attention: Tensor, finer: Tensor) -> Tensor:
    size = finer.shape[-2:]
    return resize_to(attention * logits, size) + (1 - resize_to(attention, size)) * finer


def _checked_attention(name: str, logits: Tensor, attention: Tensor | None) -> Tensor:
    if logits.dim() != 4:
        raise ValueError(f'logits of {name} have shape {tuple(logits.shape)}; they must be [B, K, h, w]')
    expected = (logits.shape[0], 1, *logits.shape[-2:])
    if attention is None or tuple(attention.shape) != expected:
        found = 'None' if attention is None else tuple(attention.shape)
        raise ValueError(
            f'attention of {name} is {found}; on logits {tuple(logits.shape)} it must be one map per image on the same '
            f'grid, {expected}; only the highest scale may go without'
        )
    return attention


def _check_same_classes(lower: Tensor, higher: Tensor) -> None:
    if higher.dim() != 4 or lower.shape[:2] != higher.shape[:2]:
        raise ValueError(
            f'logits {tuple(lower.shape)} and {tuple(higher.shape)} cannot be fused; '
            'both must be [B, K, h, w] with the same images B and classes K, only h and w may differ'
        )


def check_channels(head: nn.Module, features: Tensor, expected: int) -> None:
    """Refuse ``features`` that are not [B, ``expected``, h, w].

    Raises:
        ValueError: names the head, the shape, the rule and what may be set.
    """
    if features.dim() != 4 or features.shape[1] != expected:
        raise ValueError(
            f'{type(head).__name__} got features {tuple(features.shape)}, but is built for [B, {expected}, h, w]: '
            'set in_channels to the width of what it reads, or reads to another source'
        )


@MODELS.register_module()
class ScaleAttentionHead(BaseModule):
    """Predict attention [B, 1, h, w] in (0, 1) from features [B, C, h, w]: the paper's head.

    3x3, BN, ReLU, 3x3, BN, ReLU, 1x1, sigmoid; no convolution has a bias. 1,291,520 parameters at C = 304.

    Args:
        in_channels: C.
        channels: width of the two 3x3 convolutions.
        reads: where the segmentor takes the features: the name of a layer of the decode head, whose *input* is read
            ('conv_seg' is the classifier of every toolbox head, 'decoder' the 304 channels of DeepLabV3+), or the
            index of an output of the trunk.
        norm_cfg: normalisation, as everywhere in the toolbox; BN unless given.

    Raises:
        ValueError: in ``forward``, the features do not have C channels.
    """

    def __init__(
        self,
        in_channels: int,
        channels: int = 256,
        reads: str | int = 'conv_seg',
        norm_cfg: Mapping[str, Any] | None = None,
        init_cfg: Any = None,
    ):
        super().__init__(init_cfg)
        self.in_channels, self.reads = in_channels, reads
        norm_cfg = norm_cfg or dict(type='BN')
        self.layers = nn.Sequential(
            ConvModule(in_channels, channels, 3, padding=1, norm_cfg=norm_cfg),
            ConvModule(channels, channels, 3, padding=1, norm_cfg=norm_cfg),
            nn.Conv2d(channels, 1, 1, bias=False),
        )

    def forward(self, features: Tensor) -> Tensor:
        check_channels(self, features, self.in_channels)
        return torch.sigmoid(self.layers(features))


@MODELS.register_module()
class DeconvAttentionHead(BaseModule):
    """Predict attention [B, 1, 8h, 8w] in (0, 1) from trunk features [B, C, h, w]: the block of hierarchical_attention.

    Transposed convolutions 6x6 of stride 2 to 512, 256 and 64 channels, each with BN and LeakyReLU, then one 5x5 of
    stride 1 to a single channel: full resolution over a trunk of stride 8. 11.2 M parameters at C = 320. The report's
    "265" channels are read as 256; convolutions keep their bias, the framework's default in the report's program.

    Args:
        in_channels: C.
        channels: widths of the doubling layers.
        last_norm: BN and LeakyReLU after the last layer too, as the report's text has it; False: the sigmoid follows
            the convolution directly, as in its program. The text names no sigmoid, but without one the attention
            is unbounded.
        reads: as ``ScaleAttentionHead``; the trunk's last output unless given.
        norm_cfg: normalisation; BN unless given.

    Raises:
        ValueError: in ``forward``, the features do not have C channels.
    """

    def __init__(
        self,
        in_channels: int,
        channels: Sequence[int] = (512, 256, 64),
        last_norm: bool = True,
        reads: str | int = -1,
        norm_cfg: Mapping[str, Any] | None = None,
        init_cfg: Any = None,
    ):
        super().__init__(init_cfg)
        self.in_channels, self.reads = in_channels, reads
        norm_cfg = norm_cfg or dict(type='BN')
        self.layers = nn.Sequential()
        for source, width in zip((in_channels, *channels), channels, strict=False):
            self.layers.append(nn.ConvTranspose2d(source, width, 6, stride=2, padding=2))
            self.layers.extend(_norm_and_activation(norm_cfg, width))
        self.layers.append(nn.ConvTranspose2d((in_channels, *channels)[-1], 1, 5, stride=1, padding=2))
        if last_norm:
            self.layers.extend(_norm_and_activation(norm_cfg, 1))

    def forward(self, features: Tensor) -> Tensor:
        check_channels(self, features, self.in_channels)
        return torch.sigmoid(self.layers(features))


def _norm_and_activation(norm_cfg: Mapping[str, Any], width: int) -> list[nn.Module]:
    return [build_norm_layer(dict(norm_cfg), width)[1], nn.LeakyReLU(0.01, inplace=True)]
