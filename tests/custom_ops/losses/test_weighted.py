import pytest
import torch

from custom_ops.losses.weighted import weighted_mean

PIXELS = torch.tensor([[[1.0, 2.0], [0.0, 5.0]]])


def test_the_mean_is_over_what_the_valid_pixels_weigh():
    """torch's own weighted cross entropy is the second implementation."""
    logits, labels = torch.randn(2, 4, 5, 6), torch.randint(0, 4, (2, 5, 6))
    labels[0, 0] = 255
    weights = torch.tensor([0.5, 1.0, 2.0, 4.0])
    cross_entropy = torch.nn.functional.cross_entropy
    pixels = cross_entropy(logits, labels, weights, ignore_index=255, reduction='none')
    valid = weights[labels[labels != 255]].sum()
    expected = cross_entropy(logits, labels, weights, ignore_index=255)
    torch.testing.assert_close(weighted_mean(pixels, valid), expected)


def test_without_weights_all_pixels_count():
    assert weighted_mean(PIXELS, None).item() == pytest.approx(2.0)


def test_a_factor_changes_the_loss_and_not_the_share():
    factor = torch.tensor([[[3.0, 1.0], [1.0, 1.0]]])
    assert weighted_mean(PIXELS, torch.tensor(4.0), factor).item() == pytest.approx(2.5)


def test_nothing_valid_is_a_loss_of_nought():
    assert weighted_mean(torch.zeros(1, 2, 2), torch.tensor(0.0)).item() == 0
