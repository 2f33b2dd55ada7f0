"""The two parts of the loss as one differentiable function that keeps nothing of the size of the logits.

Shapes: B batch, K classes, H x W pixels, h x w cells, r window radius, D = r * r, G planes (classes of one image).

The forward pass reads the logits once, a few planes at a time; the backward pass reads them a second time and writes
their gradient. Between the two, some small matrices for each image and class are kept, and the averaged maps.
"""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn import functional as F

from .rmi_checks import Pool, check_values
from .rmi_planes import (
    Planes,
    Scratch,
    add_spread,
    cell_count,
    cell_sums,
    cross_entropy_sum,
    groups,
    images,
    roomy_empty,
    working_dtype,
)
from .rmi_windows import (
    WindowGrid,
    centred_cells,
    fold_gradient,
    halves_first,
    label_entropy,
    line_bands,
    line_products,
    shifted_lines,
    window_covariance,
    window_totals,
)

PROBABILITY_FLOOR = 1e-6


@dataclass(frozen=True)
class Regions:
    """Windows of ``radius`` squared cells, each pooled from ``size`` squared pixels; without pool a cell is a pixel."""

    radius: int
    pool: Pool | None
    size: int
    stride: int

    def cells(self, height: int, width: int) -> tuple[int, int]:
        """Return the size (h, w) of the pooled map of ``height`` x ``width`` pixels."""
        if self.pool is None:
            return height, width
        return cell_count(height, self.size, self.stride), cell_count(width, self.size, self.stride)


class Pooling:
    """From planes to cells, for planes of one size."""

    def __init__(self, regions: Regions, logits: Tensor, scratch: Scratch):
        self.regions = regions
        self.scratch = scratch
        self.floor: Tensor | None = None
        if regions.pool == 'avg':
            # Cells that reach over the border hold less of it; elsewhere windows lose it with their mean.
            whole = torch.ones(1, *logits.shape[2:], dtype=working_dtype(logits), device=logits.device)
            self.floor = PROBABILITY_FLOOR * self._average(whole)

    def _average(self, planes: Tensor) -> Tensor:
        return cell_sums(planes, self.regions.size, self.regions.stride, self.scratch).div_(self.regions.size**2)

    def maps(self, planes: Planes) -> tuple[Tensor, Tensor | None]:
        """Return probabilities and labels [2, G, h, w], and for maxima where those of the former [G, h, w] were."""
        if self.regions.pool == 'avg':
            maps = self._average(planes.pair.flatten(0, 1)).unflatten(0, planes.pair.shape[:2])
            maps[0].add_(self.floor)
            return maps, None
        # Windows of what is not averaged can be nearly dependent, which magnifies rounding.
        maps = torch.stack([torch.sigmoid(planes.sure.double()), planes.targets.double()])
        if self.regions.pool is None:
            return maps, None
        size, stride = self.regions.size, self.regions.stride
        maps, places = F.max_pool2d(maps.flatten(0, 1), size, stride, padding=size // 2, return_indices=True)
        return maps.unflatten(0, planes.pair.shape[:2]), places[: planes.pair.shape[1]]

    def add_gradient(self, result: Tensor, planes: Planes, cells: Tensor, places: Tensor | None) -> None:
        """Add to ``result`` [G, H, W] the gradient of the logits.

        ``cells`` [G, h, w] is that of the probabilities' map, ``places`` are those of ``maps``.
        """
        p, regions = planes.probabilities, self.regions
        slope = torch.addcmul(p, p, p, value=-1, out=self.scratch.take('work', p.shape, p.dtype))
        if places is not None:
            flat = places.flatten(1)
            result.flatten(1).scatter_add_(1, flat, cells.flatten(1) * slope.flatten(1).gather(1, flat))
        elif regions.pool is None:
            result.addcmul_(cells, slope)
        else:
            add_spread(result, cells.div_(regions.size**2), slope, regions.size, regions.stride, self.scratch)


class WindowReader:
    """Sums over the windows of every plane, in float64, and the averaged maps [2, B, K, h, w], None for other pools.

    ``products`` [B, K, r, 2 r, 2 D] are ``line_products``, ``totals`` [B, K, 2 D] ``window_totals``. They are zero for
    planes not read: those of absent classes, whose entropy has then its constant value and no gradient.
    """

    def __init__(self, regions: Regions, logits: Tensor, scratch: Scratch):
        (batch, classes, *size), r, device = logits.shape, regions.radius, logits.device
        cells = regions.cells(*size)
        self.scratch = scratch
        self.pooling = Pooling(regions, logits, scratch)
        self.grid = WindowGrid.over(*cells, r, device)
        self.products = torch.zeros(batch, classes, r, 2 * r, 2 * r * r, dtype=torch.float64, device=device)
        self.totals = self.products.new_zeros(batch, classes, 2 * r * r)
        self.maps: Tensor | None = None
        if regions.pool == 'avg':
            self.maps = torch.empty(2, batch, classes, *cells, dtype=working_dtype(logits), device=device)

    def read(self, image: int, planes: Planes) -> None:
        """Note the sums of ``planes`` of the ``image``-th image."""
        maps, _ = self.pooling.maps(planes)
        if self.maps is not None:
            self.maps[:, image, planes.classes] = maps
        cells = centred_cells(maps, self.scratch)
        lines = shifted_lines(cells, self.grid.radius, self.scratch)
        self.totals[image, planes.classes] = window_totals(cells, self.grid)
        self.products[image, planes.classes] = line_products(lines, len(planes.logits), self.grid)


@dataclass(frozen=True)
class WindowGradient:
    """What the gradient of the region term takes.

    ``bands`` [B, K, r, L] are ``line_bands`` of the windows' probabilities, ``shift`` [B, K, r, r] is what their
    gradient has besides, and ``maps`` the averaged ones, as read, or None.
    """

    regions: Regions
    bands: Tensor
    shift: Tensor
    maps: Tensor | None


class WindowWriter:
    """Adds the gradient of the region term to that of the cross entropy."""

    def __init__(self, gradient: WindowGradient, logits: Tensor, scratch: Scratch):
        regions = gradient.regions
        self.gradient = gradient
        self.scratch = scratch
        self.pooling = Pooling(regions, logits, scratch)
        self.grid = WindowGrid.over(*regions.cells(*logits.shape[2:]), regions.radius, logits.device)

    def add(self, result: Tensor, image: int, planes: Planes) -> None:
        """Add to ``result`` [G, H, W] the gradient of the logits of ``planes`` of the ``image``-th image."""
        here, places = (image, planes.classes), None
        if self.gradient.maps is None:
            maps, places = self.pooling.maps(planes)
        else:
            maps = self.gradient.maps[:, image, planes.classes]
        # Float32 would do for most windows, but not for labels that are explained well: what is left is a difference.
        lines = shifted_lines(centred_cells(maps, self.scratch), self.grid.radius, self.scratch)
        cells = fold_gradient(lines, self.gradient.bands[here], self.gradient.shift[here], self.grid, self.scratch)
        self.pooling.add_gradient(result, planes, cells.to(result.dtype), places)


@dataclass(frozen=True)
class Reading:
    """What one reading of the logits yields: the cross entropy's sum in float64, the range and the number of labels.

    All scalars but ``windows``, which is None where no regions are asked for.
    """

    cross_entropy: Tensor
    lowest_label: Tensor
    highest_label: Tensor
    valid: Tensor
    windows: WindowReader | None


def read(logits: Tensor, labels: Tensor, ignore_index: int, regions: Regions | None) -> Reading:
    """Reduce ``logits`` [B, K, H, W] and ``labels`` [B, H, W]."""
    scratch = Scratch(logits.device)
    windows = None if regions is None else WindowReader(regions, logits, scratch)
    cross_entropy = torch.zeros((), dtype=torch.float64, device=logits.device)
    ranges = []
    for index, image in enumerate(images(logits, labels, ignore_index)):
        ranges.append((image.lowest, image.highest, image.valid))
        for planes in groups(image, scratch):
            cross_entropy += cross_entropy_sum(planes, scratch)
            if windows is not None and not planes.absent():
                windows.read(index, planes)
    lowest, highest, valid = (torch.stack(values) for values in zip(*ranges, strict=True))
    return Reading(cross_entropy, lowest.min(), highest.max(), valid.sum(), windows)


def write_gradient(
    logits: Tensor, labels: Tensor, ignore_index: int, pixel_scale: Tensor, windows: WindowGradient | None
) -> Tensor:
    """Return the gradient [B, K, H, W] of ``pixel_scale`` times the cross entropy's sum, plus that of the windows."""
    scratch = Scratch(logits.device)
    result = roomy_empty(logits.shape, logits.dtype, logits.device)
    writer = None if windows is None else WindowWriter(windows, logits, scratch)
    for index, image in enumerate(images(logits, labels, ignore_index)):
        for planes in groups(image, scratch):
            target, p = result[index, planes.classes], planes.probabilities
            # Half precision rounds once, at the end.
            work = target if target.dtype == p.dtype else scratch.take('gradient', p.shape, p.dtype)
            torch.sub(p, planes.targets, out=work).mul_(pixel_scale)
            if writer is not None and not planes.absent():
                writer.add(work, index, planes)
            if work is not target:
                target.copy_(work)
    return result


def region_term(windows: WindowReader) -> tuple[Tensor, Tensor, Tensor]:
    """Return the region term, a scalar, and the matrix [B, K, D, 2 D] and means [B, K, 2 D] of its gradient.

    The gradient of a window x of probabilities and labels, with respect to the former, is ``matrix @ (x - means)``; all
    in memory order.
    """
    radius, count, shape = windows.grid.radius, windows.grid.count, windows.totals.shape[:2]
    totals = windows.totals.flatten(0, 1)
    covariance = window_covariance(windows.products.flatten(0, 1), totals, count)
    order = halves_first(radius, covariance.device)
    entropy, matrix = label_entropy(covariance[:, order][:, :, order])
    scale = 1 / (shape[0] * radius**2)
    matrix = scale * matrix[:, :, order.argsort()]
    return scale * entropy.sum(), matrix.unflatten(0, shape), windows.totals / count


class LossParts(torch.autograd.Function):
    """(binary cross entropy per valid pixel (plus one), region term), scalars in float32, or float64 for such logits.

    Call as ``LossParts.apply(logits [B, K, H, W], labels [B, H, W], ignore_index, regions)``; without ``regions`` the
    region term is zero and costs nothing. Raises what ``check_values`` does.
    """

    @staticmethod
    def forward(ctx: Any, logits: Tensor, labels: Tensor, ignore_index: int, regions: Regions | None) -> Any:
        reading = read(logits, labels, ignore_index, regions)
        check_values(logits, labels, ignore_index, reading.lowest_label, reading.highest_label, reading.cross_entropy)
        region, matrix, means, maps = torch.zeros_like(reading.cross_entropy), None, None, None
        if reading.windows is not None:
            region, matrix, means = region_term(reading.windows)
            maps = reading.windows.maps
        ctx.save_for_backward(logits, labels, reading.valid, matrix, means, maps)
        ctx.options = ignore_index, regions
        dtype = working_dtype(logits)
        return (reading.cross_entropy / (reading.valid + 1)).to(dtype), region.to(dtype)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, cross_entropy_scale: Tensor, region_scale: Tensor) -> Any:
        logits, labels, valid, matrix, means, maps = ctx.saved_tensors
        ignore_index, regions = ctx.options
        windows = None
        if regions is not None:
            matrix = matrix * region_scale
            bands = line_bands(matrix.flatten(0, 1)).unflatten(0, matrix.shape[:2])
            shift = -(matrix @ means.unsqueeze(3)).unflatten(2, (regions.radius, regions.radius)).squeeze(4)
            windows = WindowGradient(regions, bands, shift, maps)
        pixel_scale = cross_entropy_scale / (valid + 1)
        return write_gradient(logits, labels, ignore_index, pixel_scale, windows), None, None, None
