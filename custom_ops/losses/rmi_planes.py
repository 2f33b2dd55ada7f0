"""Planes of logits: the memory they are worked on in, a walk through them, their cross entropy, their pooling to cells.

Shapes: B batch, K classes, H x W pixels, G planes (classes of one image), h x w cells. ``size // 2`` pixels of padding
on every side of a plane count as zeros, as in the pooling of ``torch.nn.functional``; trailing pixels that fill no cell
are dropped.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import prod
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

CACHE_LINE_BYTES = 64
# Planes at once: little memory on a processor, few and large operations on a GPU.
CPU_GROUP_PIXELS = 2**18
GPU_GROUP_PIXELS = 2**22
# Logarithms taken at the price of one: 2 to this power.
FOLDS = 3


def roomy_empty(shape: Sequence[int], dtype: torch.dtype, device: torch.device) -> Tensor:
    """Return an uninitialised contiguous tensor.

    On a processor its memory is numpy's, which asks the kernel for huge pages: the first write to 80 MB of ordinary
    pages costs as much as a whole cross entropy.
    """
    if device.type != 'cpu':
        return torch.empty(tuple(shape), dtype=dtype, device=device)
    size = prod(shape) * dtype.itemsize
    memory = torch.from_numpy(np.empty(size + CACHE_LINE_BYTES, dtype=np.uint8))
    start = -memory.data_ptr() % CACHE_LINE_BYTES
    return memory[start : start + size].view(dtype).view(tuple(shape))


class Scratch:
    """Tensors by name, each over the same memory as the last one taken under that name."""

    def __init__(self, device: torch.device):
        self.device = device
        self._memory: dict[str, Tensor] = {}

    def take(self, name: str, shape: Sequence[int], dtype: torch.dtype) -> Tensor:
        """Return a contiguous tensor: zeros at first, later whatever was written last under this ``name``."""
        size = prod(shape)
        memory = self._memory.get(name)
        if memory is None or len(memory) < size or memory.dtype != dtype:
            memory = self._memory[name] = roomy_empty((size,), dtype, self.device).zero_()
        return memory[:size].view(tuple(shape))


def working_dtype(logits: Tensor) -> torch.dtype:
    """Return float64 for such logits, float32 for all others."""
    return torch.promote_types(logits.dtype, torch.float32)


@dataclass(frozen=True)
class Image:
    """One image: logits [K, H, W], labels as numbers of the working type [H, W], -1 where ignored.

    ``veil`` [H, W] is minus infinity where ignored and zero elsewhere, or None where nothing is. ``lowest``,
    ``highest`` and ``valid`` are the range and the number of the labels that are not ignored, scalars.
    """

    logits: Tensor
    codes: Tensor
    veil: Tensor | None
    lowest: Tensor
    highest: Tensor
    valid: Tensor


@dataclass(frozen=True)
class Planes:
    """Some classes of one image, in the working type: logits [G, H, W], probabilities and one-hot labels [2, G, H, W].

    ``sure`` are the logits, minus infinity where ignored: the probability there is zero, and so is all that follows.
    """

    classes: slice
    logits: Tensor
    sure: Tensor
    pair: Tensor

    @property
    def probabilities(self) -> Tensor:
        """[G, H, W], zero where ignored."""
        return self.pair[0]

    @property
    def targets(self) -> Tensor:
        """[G, H, W], zero where ignored."""
        return self.pair[1]

    def absent(self) -> bool:
        """No pixel bears a label of these classes: their entropy is constant. A GPU, made to wait, never says so."""
        return self.pair.device.type == 'cpu' and not self.targets.sum().item()


def images(logits: Tensor, labels: Tensor, ignore_index: int) -> Iterator[Image]:
    """Walk through ``logits`` [B, K, H, W] and ``labels`` [B, H, W]."""
    dtype = working_dtype(logits)
    for one_logits, one_labels in zip(logits.unbind(), labels.unbind(), strict=True):
        ignored = one_labels == ignore_index
        codes = one_labels.to(dtype, copy=True).masked_fill_(ignored, 0)
        lowest, highest = codes.aminmax()
        # No class is called -1, whatever number is ignored.
        codes.masked_fill_(ignored, -1)
        hidden = ignored.sum()
        veil = None
        if logits.device.type != 'cpu' or hidden.item():
            veil = torch.zeros_like(codes).masked_fill_(ignored, -torch.inf)
        yield Image(one_logits.contiguous(), codes, veil, lowest, highest, ignored.numel() - hidden)


def groups(image: Image, scratch: Scratch) -> Iterator[Planes]:
    """Walk through the classes of ``image``; each group is overwritten by the next."""
    count, height, width = image.logits.shape
    dtype, device = image.codes.dtype, image.codes.device
    most = max(1, (CPU_GROUP_PIXELS if device.type == 'cpu' else GPU_GROUP_PIXELS) // (height * width))
    names = torch.arange(count, dtype=dtype, device=device).view(-1, 1, 1)
    for first in range(0, count, most):
        classes = slice(first, min(first + most, count))
        shape = (classes.stop - first, height, width)
        logits = image.logits[classes]
        if logits.dtype != dtype:
            logits = scratch.take('logits', shape, dtype).copy_(logits)
        sure = logits if image.veil is None else torch.add(logits, image.veil, out=scratch.take('sure', shape, dtype))
        pair = scratch.take('pair', (2, *shape), dtype)
        torch.sigmoid(sure, out=pair[0])
        torch.eq(image.codes, names[classes], out=pair[1])
        yield Planes(classes, logits, sure, pair)


def log1p_sum(values: Tensor) -> Tensor:
    """Return the sum of log(1 + v) over ``values`` [2 ** FOLDS, N] from 0 to 1, which are overwritten.

    (1 + a) (1 + b) = 1 + (a + b + a b): sums of logarithms become one, and small values keep their digits.
    """
    while len(values) > 1:
        values, others = values.chunk(2)
        values.add_(others.addcmul_(values, others))
    return values.log1p_().sum()


def cross_entropy_sum(planes: Planes, scratch: Scratch) -> Tensor:
    """Return the binary cross entropy summed over the pixels that count, a float64 scalar.

    softplus(x) = max(x, 0) + log(1 + exp(-|x|)): no digits are lost, however confident the logits are.
    """
    sure, count = planes.sure, planes.sure.numel()
    work = scratch.take('work', (2**FOLDS, -(-count // 2**FOLDS)), sure.dtype)
    # What is left over at the end is zero, and so is its logarithm.
    work.view(-1)[count:].zero_()
    inside = work.view(-1)[:count].view(sure.shape)
    torch.abs(sure, out=inside).neg_().exp_()
    logarithms = log1p_sum(work).double()
    torch.clamp_min(sure, 0, out=inside).addcmul_(planes.logits, planes.targets, value=-1)
    return logarithms + inside.sum()


class Tap(NamedTuple):
    """One offset inside a cell, along one axis: the i-th of ``pixels`` belongs to the i-th of ``cells``."""

    pixels: slice
    cells: slice


def cell_count(length: int, size: int, stride: int) -> int:
    """Return the number of cells along an axis of ``length`` pixels."""
    return (length + 2 * (size // 2) - size) // stride + 1


@lru_cache(maxsize=256)
def taps(length: int, size: int, stride: int) -> tuple[Tap, ...]:
    """Return, for each offset inside a cell, the pixels found there and the cells that they belong to."""
    padding, count, found = size // 2, cell_count(length, size, stride), []
    for offset in range(size):
        first = max(0, -((offset - padding) // stride))
        last = min(count - 1, (length - 1 + padding - offset) // stride)
        if first <= last:
            start = first * stride - padding + offset
            found.append(Tap(slice(start, start + (last - first) * stride + 1, stride), slice(first, last + 1)))
    return tuple(found)


def cell_sums(planes: Tensor, size: int, stride: int, scratch: Scratch) -> Tensor:
    """Return the sums [G, h, w] over the cells of ``planes`` [G, H, W], in its dtype and in scratch memory."""
    count, height, width = planes.shape
    lines, columns = cell_count(height, size, stride), cell_count(width, size, stride)
    rows = scratch.take('cell rows', (count, lines, width), planes.dtype).zero_()
    for pixels, cells in taps(height, size, stride):
        rows[:, cells].add_(planes[:, pixels])
    sums = scratch.take('cell sums', (count, lines, columns), planes.dtype).zero_()
    for pixels, cells in taps(width, size, stride):
        sums[:, :, cells].add_(rows[:, :, pixels])
    return sums


def add_spread(planes: Tensor, cells: Tensor, factor: Tensor, size: int, stride: int, scratch: Scratch) -> None:
    """Add to ``planes`` the adjoint of ``cell_sums`` at ``cells``, times ``factor``, in place.

    ``planes`` and ``factor`` [G, H, W]; ``cells`` [G, h, w].
    """
    count, height, width = planes.shape
    # Along the lines first: the larger step then works on whole lines.
    rows = scratch.take('cell rows', (count, cells.shape[1], width), cells.dtype).zero_()
    for pixels, columns in taps(width, size, stride):
        rows[:, :, pixels].add_(cells[:, :, columns])
    for pixels, lines in taps(height, size, stride):
        planes[:, pixels].addcmul_(rows[:, lines], factor[:, pixels])
