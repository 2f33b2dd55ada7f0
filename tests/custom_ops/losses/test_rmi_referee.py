"""The referee itself, against independent programs, the formulas and closed forms."""

import math
import sys
from pathlib import Path

import pytest
import torch
from torch.nn import functional as F

sys.path.insert(0, str(Path(__file__).parent))

from plain_rmi import RIDGE, centred_windows, conditional_entropy, masked_bce, one_hot, pool_map


@pytest.fixture
def small_input():
    generator = torch.Generator().manual_seed(3)
    logits = torch.randn(2, 3, 8, 9, generator=generator, dtype=torch.float64)
    labels = torch.randint(0, 3, (2, 8, 9), generator=generator)
    labels[0, 2:4, 1:5] = 255
    return logits, labels


def test_an_absent_class_contributes_half_the_log_of_the_ridge():
    windows = centred_windows(torch.zeros(1, 3, 10, 10), 3), centred_windows(torch.rand(1, 3, 10, 10), 3)
    torch.testing.assert_close(
        conditional_entropy(*windows) / 9, torch.full((1, 3), 0.5 * math.log(5e-4), dtype=torch.float64)
    )


def test_a_perfect_prediction_tends_to_half_the_log_of_twice_the_ridge():
    labels = torch.randint(0, 2, (1, 1, 256, 256), generator=torch.Generator().manual_seed(0)).double()
    windows = centred_windows(labels, 3)
    assert (conditional_entropy(windows, windows) / 9).item() == pytest.approx(0.5 * math.log(1e-3), abs=1e-4)


def test_entropy_equals_the_formula_with_an_explicit_inverse(small_input):
    logits, labels = small_input
    targets, mask = one_hot(labels, 3, 255, torch.float64)
    label, probability = centred_windows(targets, 3), centred_windows(torch.sigmoid(logits) * mask, 3)
    ridge = RIDGE * torch.eye(9, dtype=torch.float64)
    inverse = torch.linalg.inv(probability @ probability.mT + ridge)
    left = label @ label.mT - label @ probability.mT @ inverse @ probability @ label.mT
    torch.testing.assert_close(conditional_entropy(label, probability), 0.5 * torch.logdet(left + ridge))


def test_windows_are_the_unfolded_map_without_its_mean(small_input):
    maps = small_input[0]
    unfolded = F.unfold(maps, 3).view(2, 3, 9, -1)
    torch.testing.assert_close(centred_windows(maps, 3), unfolded - unfolded.mean(3, keepdim=True))


def test_average_pooling_counts_the_padding_as_zeros():
    pooled = pool_map(torch.ones(1, 1, 8, 8), 'avg', 4, 4)
    assert pooled[0, 0].tolist() == [[0.25, 0.5, 0.25], [0.5, 1.0, 0.5], [0.25, 0.5, 0.25]]


def test_cross_entropy_of_the_valid_pixels_is_that_of_torch(small_input):
    logits, labels = small_input
    targets, mask = one_hot(labels, 3, 255, torch.float64)
    total = F.binary_cross_entropy_with_logits(logits, targets, weight=mask.expand_as(logits), reduction='sum')
    torch.testing.assert_close(masked_bce(logits, targets, mask), total / (int((labels != 255).sum()) + 1))
