"""Covariance of all windows of pooled maps, its entropy, and the entropy's gradient, in float64.

Source: Zhao et al. 2019, "Region Mutual Information Loss for Semantic Segmentation", NeurIPS.
Shapes: G planes (pairs of image and class), h x w cells, r window radius, D = r * r window size, S = 2 * r,
R x C = (h - r + 1) x (w - r + 1) windows, N any number of planes.

No window is materialised. The lines of cells are stored once per column shift: line ``g * h + i`` of ``[G * h, S, C]``
holds r shifts of line i of the probabilities of plane g, then r of its labels. The 2 D cells of a window are then
consecutive in memory, r lines of S, and overlapping strided views serve as matrices of windows. "Memory order" below is
that order: row in the window, then probability or label, then column.
"""

from dataclasses import dataclass
from math import isqrt

import torch
from torch import Tensor

from .rmi_planes import Scratch

RIDGE = 5e-4
# Lines that one matrix product takes at once: a part of it is not needed, yet a matrix of few rows is slower still.
PRODUCT_LINES = 2
FOLD_LINES = 4


@dataclass(frozen=True)
class WindowGrid:
    """Where windows lie on h x w cells: ``rows`` [r, h] is 1 where a window holds line i as its row a, else 0.

    ``columns`` [r, w] is the same along the lines.
    """

    radius: int
    rows: Tensor
    columns: Tensor

    @classmethod
    def over(cls, height: int, width: int, radius: int, device: torch.device) -> 'WindowGrid':
        """Return the grid of ``height`` x ``width`` cells."""

        def held(length: int) -> Tensor:
            start = torch.arange(length, device=device) - torch.arange(radius, device=device).unsqueeze(1)
            return ((start >= 0) & (start <= length - radius)).double()

        return cls(radius, held(height), held(width))

    @property
    def count(self) -> int:
        """Number of windows, R * C."""
        return (self.rows.shape[1] - self.radius + 1) * (self.columns.shape[1] - self.radius + 1)


def centred_cells(maps: Tensor, scratch: Scratch) -> Tensor:
    """Return ``maps`` [2, G, h, w], probabilities and labels, less the mean of each, in float64 and scratch memory.

    Windows lose their own means later; this first step keeps digits where a map is nearly constant.
    """
    cells = scratch.take('cells', maps.shape, torch.float64).copy_(maps)
    return cells.sub_(cells.mean(dim=(2, 3), keepdim=True))


def window_totals(cells: Tensor, grid: WindowGrid) -> Tensor:
    """Return the sums [G, 2 D] over all windows of ``cells`` [2, G, h, w], in memory order."""
    return (grid.rows @ cells @ grid.columns.mT).permute(1, 2, 0, 3).flatten(1)


def shifted_lines(cells: Tensor, radius: int, scratch: Scratch) -> Tensor:
    """Return the shifted lines [r - 1 + G * h + more, S, C] of ``cells`` [2, G, h, w], in scratch memory.

    Before and after them are lines of any finite value, for windows that reach over.
    """
    _, planes, height, width = cells.shape
    columns, margin, count = width - radius + 1, radius - 1, planes * height
    more = margin + max(PRODUCT_LINES, FOLD_LINES) - 1
    lines = scratch.take('lines', (margin + count + more, 2 * radius, columns), cells.dtype)
    inside = lines[margin : margin + count].view(planes, height, 2, radius, columns)
    inside.copy_(cells.permute(1, 2, 0, 3).unfold(3, columns, 1))
    return lines


def runs(lines: Tensor, length: int, step: int, count: int) -> Tensor:
    """Return the overlapping view [count, length * S, C] of ``length`` lines from every ``step``-th line on."""
    _, shifts, columns = lines.shape
    size = shifts * columns
    return lines.as_strided((count, length * shifts, columns), (step * size, columns, 1), lines.storage_offset())


def line_products(lines: Tensor, planes: int, grid: WindowGrid) -> Tensor:
    """Return, for each row a of the windows, the sums over all windows of the products of that row's cells with those
    of the rows a to a + r - 1: [G, r, S, r * S]. What would lie below the window's last row means nothing.

    Cells whose rows differ by d have the product sums of lines d apart, whichever rows they are, save for the first and
    last lines of the plane: each line is multiplied with the r lines from there on, once.
    """
    radius, shifts, step = grid.radius, lines.shape[1], PRODUCT_LINES
    height = grid.rows.shape[1]
    blocks = -(-planes * height // step)
    inside = lines[radius - 1 :]
    products = torch.bmm(runs(inside, step, step, blocks), runs(inside, step + radius - 1, step, blocks).mT)
    by_line = [products[:, i * shifts : (i + 1) * shifts, i * shifts : (i + radius) * shifts] for i in range(step)]
    by_plane = torch.stack(by_line, dim=1).flatten(0, 1)[: planes * height].view(planes, height, -1)
    return (grid.rows @ by_plane).view(planes, radius, shifts, -1)


def window_covariance(products: Tensor, totals: Tensor, count: int) -> Tensor:
    """Return the covariance sums [N, 2 D, 2 D] of ``count`` windows, not divided by it, in memory order.

    ``products`` [N, r, S, r * S] are ``line_products``; ``totals`` [N, 2 D].
    """
    planes, radius, shifts, _ = products.shape
    blocks = products.view(planes, radius, shifts, radius, shifts)
    moments = products.new_empty(planes, radius, shifts, radius, shifts)
    for upper in range(radius):
        for lower in range(upper, radius):
            moments[:, upper, :, lower] = blocks[:, upper, :, lower - upper]
            moments[:, lower, :, upper] = blocks[:, upper, :, lower - upper].mT
    return moments.view(planes, radius * shifts, -1) - totals.unsqueeze(2) * totals.unsqueeze(1) / count


def halves_first(radius: int, device: torch.device | str = 'cpu') -> Tensor:
    """Return the places [2 D] in memory order of the D probabilities of a window, then of its D labels."""
    return torch.arange(2 * radius**2, device=device).view(radius, 2, radius).transpose(0, 1).flatten()


def label_entropy(covariance: Tensor) -> tuple[Tensor, Tensor]:
    """Return half the log-determinant [N] of the labels' covariance given the probabilities, and its gradient.

    ``covariance`` [N, 2 D, 2 D], probabilities first. With J the joint matrix plus the ridge a, B = (Cpp + a)^-1 Cpl
    the regression and S = Cll + a - Clp B the Schur complement: the value is that of the last D diagonal entries of the
    Cholesky factor of J, its gradient with respect to the probabilities p of a centred window (p, l) is
    ``B S^-1 (B^T p - l)``, and the matrix [N, D, 2 D] of that product is what is returned. NaN where J is not finite.
    """
    size = covariance.shape[1] // 2
    ridge = RIDGE * torch.eye(2 * size, dtype=covariance.dtype, device=covariance.device)
    # Unchecked: the check would make a GPU's queue wait.
    factor, _ = torch.linalg.cholesky_ex(covariance + ridge)
    value = factor.diagonal(dim1=1, dim2=2)[:, size:].log().sum(dim=1)
    regression = torch.linalg.solve_triangular(factor[:, :size, :size].mT, factor[:, size:, :size].mT, upper=True)
    per_label = torch.cholesky_solve(regression.mT, factor[:, size:, size:]).mT
    return value, torch.cat([per_label @ regression.mT, -per_label], dim=2)


def line_bands(matrix: Tensor) -> Tensor:
    """Return what each row of the windows asks of the 2 r - 1 lines around a cell: [N, r, r * (2 r - 1) * S].

    ``matrix`` [N, D, 2 D] gives the gradient of a window's probabilities from its cells, in memory order.
    """
    planes, size, length = matrix.shape
    radius = isqrt(size)
    shifts = 2 * radius
    by_row = matrix.view(planes, radius, radius, length)
    bands = matrix.new_zeros(planes, radius, radius, (2 * radius - 1) * shifts)
    for row in range(radius):
        first = (radius - 1 - row) * shifts
        bands[:, row, :, first : first + length] = by_row[:, row]
    return bands.flatten(2)


def fold_gradient(lines: Tensor, bands: Tensor, shift: Tensor, grid: WindowGrid, scratch: Scratch) -> Tensor:
    """Return the gradient [G, h, w] of the probabilities.

    ``bands`` [G, r, r * (2 r - 1) * S] are ``line_bands``; ``shift`` [G, r, r] is to be added to the gradient of every
    window. The windows that hold a line at their row a start a lines above it: summed over a first, each line asks for
    one product with the 2 r - 1 lines around it.
    """
    planes, radius, step = len(bands), grid.radius, FOLD_LINES
    height, (shifts, columns) = grid.rows.shape[1], lines.shape[1:]
    count, length = planes * height, (2 * radius - 1) * shifts
    blocks = -(-count // step)
    per_line = scratch.take('line kernels', (blocks * step, radius, length), lines.dtype)
    per_line[:count].view(planes, height, -1).copy_(grid.rows.mT @ bands)
    kernels = scratch.take('kernels', (blocks, step, radius, length + (step - 1) * shifts), lines.dtype)
    for i in range(step):
        kernels[:, i, :, i * shifts : i * shifts + length] = per_line[i::step]
    around = runs(lines, 2 * radius - 2 + step, step, blocks)
    gradients = scratch.take('line gradients', (blocks, step * radius, columns), lines.dtype)
    torch.bmm(kernels.flatten(1, 2), around, out=gradients)
    gradients = gradients.view(-1, radius, columns)[:count].view(planes, height, radius, columns)
    cells = grid.rows.mT @ shift @ grid.columns
    for column in range(radius):
        cells[:, :, column : column + columns].add_(gradients[:, :, column])
    return cells
