import pytest
import torch
from torch.nn import functional as F

from custom_ops.losses import ClassBalancedLoss, balanced_weights, class_balanced
from custom_ops.losses.late_check import LATE


@pytest.fixture
def batch():
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(2, 1, 6, 9, generator=generator, dtype=torch.float64)
    labels = (torch.rand(2, 6, 9, generator=generator) < 0.2).long()
    labels[:, :2, :3] = 255
    return logits, labels


def straightforward(logits, labels):
    """The paper's equation, pixel by pixel."""
    total = 0.0
    for scores, targets in zip(logits[:, 0], labels, strict=True):
        probability = scores.sigmoid()
        edges, backgrounds = int((targets == 1).sum()), int((targets == 0).sum())
        beta = backgrounds / (edges + backgrounds)
        total -= beta * probability[targets == 1].log().sum()
        total -= (1 - beta) * (1 - probability[targets == 0]).log().sum()
    return total


def test_sum_is_the_papers_equation(batch):
    torch.testing.assert_close(ClassBalancedLoss(reduction='sum')(*batch).double(), straightforward(*batch))


def test_mean_is_the_sum_over_valid_pixels(batch):
    found = ClassBalancedLoss(loss_weight=3.0)(*batch).double()
    torch.testing.assert_close(found, 3 * straightforward(*batch) / (2 * (6 * 9 - 6)))


def test_both_classes_weigh_the_same_in_every_image(batch):
    weights, labels = balanced_weights(batch[1]), batch[1]
    for w, y in zip(weights, labels, strict=True):
        torch.testing.assert_close(w[y == 1].sum(), w[y == 0].sum())
        assert (w[y == 255] == 0).all()


@pytest.mark.parametrize('label', [0, 1, 255])
def test_images_of_one_label_have_no_loss_and_a_finite_gradient(label):
    logits = torch.randn(1, 1, 4, 4, requires_grad=True)
    loss = ClassBalancedLoss()(logits, torch.full((1, 4, 4), label))
    loss.backward()
    assert loss == 0 and (logits.grad == 0).all()


def test_gradient(batch):
    logits, labels = batch
    weights = balanced_weights(labels).double()
    found = logits.clone().requires_grad_()
    ClassBalancedLoss(reduction='sum')(found, labels).backward()
    torch.testing.assert_close(
        found.grad[:, 0], weights * (logits[:, 0].sigmoid() - (labels == 1).double()), rtol=1e-5, atol=1e-6
    )


def test_pixel_weights_and_average_factor_are_the_toolboxs(batch):
    logits, labels = batch
    weight = torch.rand(2, 6, 9)
    pixels = F.binary_cross_entropy_with_logits(logits[:, 0].float(), (labels == 1).float(), reduction='none')
    expected = (pixels * balanced_weights(labels) * weight).sum()
    loss = ClassBalancedLoss()
    torch.testing.assert_close(loss(logits, labels, weight=weight, reduction_override='sum'), expected)
    torch.testing.assert_close(loss(logits, labels, weight=weight, avg_factor=7.0), expected / 7)
    assert loss(logits, labels, reduction_override='none').shape == labels.shape


def test_half_precision_logits_are_computed_in_float32(batch):
    logits, labels = batch
    assert ClassBalancedLoss()(logits.bfloat16(), labels).dtype == torch.float32


def test_wrong_input_is_refused(batch):
    logits, labels = batch
    with pytest.raises(ValueError, match=r'label 7: an edge label must be 0 .* 1 .* or 255'):
        ClassBalancedLoss()(logits, labels.masked_fill(labels == 1, 7))
    with pytest.raises(ValueError, match='2 channels of logits: edges are one channel'):
        ClassBalancedLoss()(logits.expand(-1, 2, -1, -1), labels)
    with pytest.raises(ValueError, match="reduction 'median': choose from mean, sum, none"):
        ClassBalancedLoss(reduction='median')


def test_a_busy_device_tells_of_an_illegal_label_some_calls_later(monkeypatch, batch):
    monkeypatch.setattr(class_balanced, 'answers_at_once', lambda device: False)
    class_balanced.unread_labels.forget()
    logits, labels = batch
    wrong = labels.clone()
    wrong[1, 3, 5] = 7
    for given in (labels, wrong, *[labels] * (LATE - 1)):
        assert ClassBalancedLoss()(logits, given).isfinite()
    with pytest.raises(ValueError, match=r'label 7: an edge label must be 0 \(none\), 1 \(edge\) or 255'):
        ClassBalancedLoss()(logits, labels)
    class_balanced.unread_labels.forget()
