"""Sliding windows that go through the network in batches.

The toolbox sends window after window and pads each one's logits to the size of the image. Here as many windows as
``test_cfg.windows_at_once`` says go together; they add up in the toolbox's order, so that only the rounding of a batch
differs. Shapes: B images of C x H x W pixels, K classes, windows of h x w pixels.
"""

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise, product
from typing import Any

import torch
from mmseg.models.segmentors import CascadeEncoderDecoder, EncoderDecoder
from mmseg.registry import MODELS
from torch import Tensor

Network = Callable[[Tensor, list[dict[str, Any]]], Tensor]
Size = tuple[int, int]


def window_starts(length: int, window: int, stride: int) -> tuple[int, ...]:
    """Return where the windows along one side of ``length`` pixels begin; the last one ends with the side.

    >>> window_starts(10, 4, 3), window_starts(9, 4, 3), window_starts(3, 4, 3)
    ((0, 3, 6), (0, 3, 5), (0,))

    Raises:
        ValueError: ``window`` or ``stride`` is not positive, or pixels lie between two windows.
    """
    for name, value in (('window', window), ('stride', stride)):
        if value < 1:
            raise ValueError(f'a {name} of {value} pixels; it must be at least 1')
    last = max(length - window, 0)
    starts = (*range(0, last, stride), last)
    if any(after - before > window for before, after in pairwise(starts)):
        raise ValueError(f'a stride of {stride} leaves pixels between windows of {window}; at most {window} covers all')
    return starts


def slide(
    inputs: Tensor,
    metas: Sequence[Mapping[str, Any]],
    network: Network,
    classes: int,
    window: Size,
    stride: Size,
    at_once: int,
) -> Tensor:
    """Return the mean logits [B, K, H, W] of all windows that hold a pixel of ``inputs`` [B, C, H, W].

    Args:
        metas: what the toolbox tells of each image; each window's has its own size as ``img_shape``.
        network: maps windows [n, C, h, w] and their metas to logits [n, K, h, w], each window's apart from the others'.
        classes: K.
        window, stride: (height, width) in pixels; windows are cut to the image.
        at_once: windows a batch, those of all B images counted; at least one of each image goes.

    Raises:
        ValueError: ``at_once`` is not positive, or the windows do not cover the image.
    """
    if at_once < 1:
        raise ValueError(f'windows_at_once is {at_once}; it must be at least 1')
    images, _, *sides = inputs.shape
    rows, columns = (window_starts(*one) for one in zip(sides, window, stride, strict=True))
    height, width = (min(one) for one in zip(sides, window, strict=True))
    # The heads resize to an ``img_shape`` of this type only; a tuple would lose against the image's padded size.
    shape = torch.Size((height, width))
    total = inputs.new_zeros((images, classes, *sides))
    corners, step = list(product(rows, columns)), max(1, at_once // images)
    for group in (corners[first : first + step] for first in range(0, len(corners), step)):
        crops = torch.cat([inputs[:, :, y : y + height, x : x + width] for y, x in group])
        logits = network(crops, [{**meta, 'img_shape': shape} for _ in group for meta in metas])
        for (y, x), found in zip(group, logits.split(images), strict=True):
            total[:, :, y : y + height, x : x + width] += found
    down, across = (_cover(*one) for one in zip(sides, (rows, columns), shape, strict=True))
    return total.div_((down[:, None] * across).to(total))


def _cover(length: int, starts: Sequence[int], window: int) -> Tensor:
    """Return how many windows hold each pixel of a side, [length]."""
    count = torch.zeros(length)
    for start in starts:
        count[start : start + window] += 1
    return count


def _slide(model: EncoderDecoder, inputs: Tensor, metas: Sequence[Mapping[str, Any]]) -> Tensor:
    options = model.test_cfg
    window, stride = tuple(options.crop_size), tuple(options.stride)
    at_once = options.get('windows_at_once', 1)
    return slide(inputs, metas, model.encode_decode, model.out_channels, window, stride, at_once)


@MODELS.register_module()
class SlidingSegmentor(EncoderDecoder):
    """The toolbox's ``EncoderDecoder``, parameters and all, with ``test_cfg.windows_at_once`` windows a batch."""

    def slide_inference(self, inputs: Tensor, batch_img_metas: Sequence[Mapping[str, Any]]) -> Tensor:
        return _slide(self, inputs, batch_img_metas)


@MODELS.register_module()
class SlidingCascade(CascadeEncoderDecoder):
    """The toolbox's ``CascadeEncoderDecoder``, as ``SlidingSegmentor`` is its ``EncoderDecoder``."""

    def slide_inference(self, inputs: Tensor, batch_img_metas: Sequence[Mapping[str, Any]]) -> Tensor:
        return _slide(self, inputs, batch_img_metas)
