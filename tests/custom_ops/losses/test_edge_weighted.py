import pytest
import torch
from torch.nn import functional as F

from custom_ops.losses import EdgeWeightedLoss, edge_weights
from custom_ops.transforms import label_edges


@pytest.fixture
def batch():
    """Squares of 4 pixels, some of them ignored, and logits for three classes."""
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(2, 3, 12, 16, generator=generator)
    blocks = torch.randint(0, 3, (2, 3, 4), generator=generator)
    labels = blocks.repeat_interleave(4, 1).repeat_interleave(4, 2)
    labels[:, :2, :5] = 255
    return logits, labels


def straightforward(logits, labels, edge_weight, radius):
    """Pixel by pixel: who has another class in the square around it?"""
    total = shares = 0.0
    costs = F.cross_entropy(logits, labels, ignore_index=255, reduction='none')
    for image, row, column in (labels != 255).nonzero().tolist():
        around = labels[
            image, max(0, row - radius) : row + radius + 1, max(0, column - radius) : column + radius + 1
        ].flatten()
        other = any(value not in (255, labels[image, row, column]) for value in around)
        share = edge_weight if other else 1.0
        total, shares = total + share * costs[image, row, column], shares + share
    return total / shares


@pytest.mark.parametrize(('edge_weight', 'radius'), [(10.0, 1), (10.0, 2), (0.5, 1)])
def test_loss_is_the_mean_over_weights_written_out(batch, edge_weight, radius):
    found = EdgeWeightedLoss(edge_weight, radius)(*batch)
    torch.testing.assert_close(found, straightforward(*batch, edge_weight, radius))


def test_weight_one_is_plain_cross_entropy(batch):
    torch.testing.assert_close(EdgeWeightedLoss(1.0)(*batch), F.cross_entropy(*batch, ignore_index=255))


def test_labels_without_edges_leave_plain_cross_entropy(batch):
    labels = torch.full_like(batch[1], 2)
    torch.testing.assert_close(EdgeWeightedLoss(10.0)(batch[0], labels), F.cross_entropy(batch[0], labels))


def test_edges_pull_as_much_harder_as_they_weigh(batch):
    """From equal logits, where every class is as far from right, the gradient's size is the pixel's weight."""
    labels = batch[1]
    logits = torch.zeros(2, 3, 12, 16, requires_grad=True)
    EdgeWeightedLoss(7.0)(logits, labels).backward()
    pull = logits.grad.abs().sum(1)
    weights = edge_weights(labels, 7.0)
    torch.testing.assert_close(pull / pull.max(), weights / 7.0)
    assert {0.0, 1.0, 7.0} == set(weights.unique().tolist())
    assert torch.equal(weights == 7.0, label_edges(labels) == 1)


def test_a_mean_over_all_pixels_on_request(batch):
    logits, labels = batch
    shares = edge_weights(labels, 10.0).sum()
    over_all = EdgeWeightedLoss(10.0, avg_non_ignore=False, loss_weight=2.0)(logits, labels)
    torch.testing.assert_close(over_all, 2 * EdgeWeightedLoss(10.0)(logits, labels) * shares / labels.numel())


def test_pixels_may_be_weighted_too(batch):
    logits, labels = batch
    loss = EdgeWeightedLoss()
    torch.testing.assert_close(loss(logits, labels, weight=torch.full(labels.shape, 3.0)), 3 * loss(logits, labels))


def test_a_batch_without_valid_pixels_has_no_loss_and_a_finite_gradient(batch):
    logits = batch[0].requires_grad_()
    loss = EdgeWeightedLoss()(logits, torch.full_like(batch[1], 255))
    loss.backward()
    assert loss == 0 and (logits.grad == 0).all()


def test_half_precision_logits_are_computed_in_float32(batch):
    assert EdgeWeightedLoss()(batch[0].bfloat16(), batch[1]).dtype == torch.float32


def test_wrong_settings_are_refused_when_the_loss_is_built():
    with pytest.raises(ValueError, match='edge_weight -1: must be positive; 1 weighs every pixel alike'):
        EdgeWeightedLoss(-1)
    with pytest.raises(ValueError, match='radius 0: an edge reaches at least 1 pixel'):
        EdgeWeightedLoss(radius=0)
