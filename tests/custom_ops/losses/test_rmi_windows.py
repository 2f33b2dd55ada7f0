import sys
from pathlib import Path

import pytest
import torch

from custom_ops.losses.rmi_planes import Scratch
from custom_ops.losses.rmi_windows import (
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

sys.path.insert(0, str(Path(__file__).parent))

from plain_rmi import RIDGE, centred_windows, conditional_entropy

# Planes, cells, radius: heights that are and are not whole numbers of lines multiplied at once; a single window.
CASES = [(1, 12, 9, 3), (3, 7, 8, 3), (2, 5, 11, 2), (3, 6, 6, 1), (2, 9, 10, 4), (1, 3, 3, 3)]


@pytest.fixture
def scratch():
    return Scratch(torch.device('cpu'))


def maps_of(planes, height, width):
    """Far from zero, so that a forgotten mean shows."""
    return 5 + torch.randn(2, planes, height, width, generator=torch.Generator().manual_seed(1), dtype=torch.float64)


def joint_windows(maps, radius):
    """[G, 2 D, M] by the referee: probabilities first."""
    probabilities, labels = (centred_windows(half.unsqueeze(0), radius)[0] for half in maps)
    return torch.cat([probabilities, labels], dim=1)


def grid_of(maps, radius):
    return WindowGrid.over(*maps.shape[2:], radius, maps.device)


@pytest.mark.parametrize(('planes', 'height', 'width', 'radius'), CASES)
def test_covariance_is_that_of_materialised_windows(scratch, planes, height, width, radius):
    maps = maps_of(planes, height, width)
    grid = grid_of(maps, radius)
    cells = centred_cells(maps, scratch)
    lines = shifted_lines(cells, radius, scratch)
    count = (height - radius + 1) * (width - radius + 1)
    covariance = window_covariance(line_products(lines, planes, grid), window_totals(cells, grid), count)
    order = halves_first(radius)
    windows = joint_windows(maps, radius)
    torch.testing.assert_close(covariance[:, order][:, :, order], windows @ windows.mT, rtol=1e-11, atol=1e-11)


@pytest.mark.parametrize(('planes', 'height', 'width', 'radius'), CASES)
def test_gradient_is_folded_as_autograd_does(scratch, planes, height, width, radius):
    """Of a sum whose gradient with respect to the windows' probabilities is a given matrix times the windows."""
    maps = maps_of(planes, height, width)
    size = radius**2
    matrix = torch.randn(planes, size, 2 * size, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    probabilities = maps[0].clone().requires_grad_()
    windows = joint_windows(torch.stack([probabilities, maps[1]]), radius)
    (windows[:, :size] * (matrix @ windows).detach()).sum().backward()

    grid, inverse = grid_of(maps, radius), halves_first(radius).argsort()
    cells = centred_cells(maps, scratch)
    means = window_totals(cells, grid) / (height - radius + 1) / (width - radius + 1)
    lines = shifted_lines(cells, radius, scratch)
    matrix = matrix[:, :, inverse]
    shift = -(matrix @ means.unsqueeze(2)).view(planes, radius, radius)
    folded = fold_gradient(lines, line_bands(matrix), shift, grid, scratch)
    torch.testing.assert_close(folded, probabilities.grad, rtol=1e-10, atol=1e-10)


def test_a_group_after_a_larger_one_is_not_disturbed_by_it(scratch):
    """The last planes of an image are fewer: the memory around their lines holds those of the group before."""
    large, small = 1e3 * maps_of(3, 7, 8), maps_of(2, 7, 8)
    results = []
    for maps in (small, large, small):
        grid, planes = grid_of(maps, 3), maps.shape[1]
        cells = centred_cells(maps, scratch)
        lines = shifted_lines(cells, 3, scratch)
        bands, shift = torch.ones(planes, 3, 90, dtype=torch.float64), torch.zeros(planes, 3, 3, dtype=torch.float64)
        results.append((line_products(lines, planes, grid)[:, 0], fold_gradient(lines, bands, shift, grid, scratch)))
    # Only the first row of the windows meets no line of another plane.
    assert torch.equal(results[0][0], results[2][0])
    # Ones in every band would ask for the lines of the neighbours too: leave out the lines next to a border.
    torch.testing.assert_close(results[0][1][:, 2:-2], results[2][1][:, 2:-2])


def test_entropy_and_its_gradient_are_those_of_autograd():
    windows = joint_windows(maps_of(4, 8, 9), 3)
    probabilities, labels = windows[:, :9].clone().requires_grad_(), windows[:, 9:]
    expected = conditional_entropy(labels.unsqueeze(0), probabilities.unsqueeze(0))[0]
    (gradient,) = torch.autograd.grad(expected.sum(), probabilities)
    value, matrix = label_entropy(windows @ windows.mT)
    torch.testing.assert_close(value, expected)
    torch.testing.assert_close(matrix @ windows, gradient, rtol=1e-9, atol=1e-11)


def test_nothing_seen_has_the_entropy_of_the_ridge_and_no_gradient():
    value, matrix = label_entropy(torch.zeros(2, 18, 18, dtype=torch.float64))
    torch.testing.assert_close(value, torch.full((2,), 4.5).double() * torch.tensor(RIDGE).double().log())
    assert not matrix.any()


def test_covariance_that_is_not_finite_gives_nan_and_no_error():
    value, _ = label_entropy(torch.full((1, 18, 18), torch.nan, dtype=torch.float64))
    assert value.isnan().all()
