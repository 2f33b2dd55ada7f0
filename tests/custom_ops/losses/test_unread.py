"""The toolbox's numbers; that nothing is read is tested in ``tests/test_other_device.py``."""

import pytest
import torch
from mmseg.models.losses import CrossEntropyLoss
from torch import nn

from custom_ops.losses import unread

WEIGHTS = [0.5, 2.0, 1.0, 4.0]


def loss_of(module, logits, labels, **options):
    logits = logits.clone().requires_grad_()
    loss = module(logits, labels, ignore_index=255, **options)
    return loss.detach(), torch.autograd.grad(loss.sum(), logits)[0]


@pytest.fixture
def batch():
    generator = torch.Generator().manual_seed(0)
    logits, labels = torch.randn(2, 4, 9, 13, generator=generator), torch.randint(0, 4, (2, 9, 13), generator=generator)
    labels[:, :2, 3:] = 255
    return logits, labels


@pytest.mark.parametrize('reduction', ['mean', 'none', 'sum'])
@pytest.mark.parametrize(('class_weight', 'avg_non_ignore'), [(None, True), (None, False), (WEIGHTS, False)])
@pytest.mark.parametrize('weighted', [False, True])
def test_loss_and_gradient_are_the_toolboxs(batch, reduction, class_weight, avg_non_ignore, weighted):
    model = nn.Sequential(
        CrossEntropyLoss(reduction=reduction, class_weight=class_weight, avg_non_ignore=avg_non_ignore, loss_weight=0.4)
    )
    options = {'weight': torch.rand(2, 9, 13, generator=torch.Generator().manual_seed(1))} if weighted else {}
    expected = loss_of(model[0], *batch, **options)
    model.anchor = nn.Conv2d(1, 1, 1)
    assert unread.replace(model) == 1
    found = loss_of(model[0], *batch, **options)
    assert isinstance(model[0], unread.UnreadCrossEntropyLoss)
    # The weights of the classes are added up in another order.
    exact = dict(rtol=1e-6, atol=1e-9) if class_weight and reduction == 'mean' else dict(rtol=0, atol=0)
    for ours, theirs in zip(found, expected, strict=True):
        torch.testing.assert_close(ours, theirs, **exact)


@pytest.mark.parametrize('dtype', [torch.float16, torch.bfloat16])
@pytest.mark.parametrize('class_weight', [None, [1.1, 110.3, 1650.7, 9999.9]])
def test_half_precision_logits_cost_what_their_values_cost_in_float32(batch, dtype, class_weight):
    logits, labels = batch
    module = unread.UnreadCrossEntropyLoss(class_weight=class_weight)
    half, gradient = loss_of(module, logits.to(dtype), labels)
    assert torch.equal(half, module(logits.to(dtype).float(), labels, ignore_index=255))
    assert gradient.abs().sum() > 0


def test_an_image_without_a_labelled_pixel_costs_nothing(batch):
    logits, labels = batch
    module = unread.UnreadCrossEntropyLoss(avg_non_ignore=True)
    assert module(logits, torch.full_like(labels, 255), ignore_index=255) == 0


def test_only_the_toolboxs_own_losses_over_classes_are_replaced():
    class Other(CrossEntropyLoss):
        pass

    plain, kept = CrossEntropyLoss(loss_name='loss_a', loss_weight=2.0), [CrossEntropyLoss(use_sigmoid=True), Other()]
    model = nn.ModuleDict({'losses': nn.ModuleList([plain, *kept]), 'conv': nn.Conv2d(1, 1, 1)})
    state = list(model.state_dict())
    assert unread.replace(model) == 1
    first, *rest = model['losses']
    assert rest == kept
    assert (first.loss_name, first.loss_weight) == ('loss_a', 2.0)
    assert list(model.state_dict()) == state
    assert unread.replace(model) == 0
