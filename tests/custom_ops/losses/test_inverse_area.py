import pytest
import torch
from mmengine.registry import init_default_scope
from mmseg.registry import MODELS
from torch import nn
from torch.nn import functional as F

from custom_ops.losses import InverseAreaLoss, inverse_area_weights

AREAS = (762, 193, 45)


@pytest.fixture
def batch():
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(2, 3, 5, 7, generator=generator)
    labels = torch.randint(0, 3, (2, 5, 7), generator=generator)
    labels[:, :2] = 255
    return logits, labels


def test_weights_are_total_area_over_class_area():
    """Those that the report prints for its background and second class: 76.2 % and 1.93 % of all pixels."""
    weights = inverse_area_weights((76_197, 1_934, 21_869))
    torch.testing.assert_close(weights[:2], torch.tensor([1.3124, 51.70]), rtol=1e-3, atol=0)


def test_a_weight_does_not_depend_on_the_size_of_the_set():
    torch.testing.assert_close(inverse_area_weights(AREAS), inverse_area_weights([10**7 * area for area in AREAS]))


def test_a_class_that_never_occurs_weighs_nothing():
    assert inverse_area_weights((3, 0, 1)).tolist() == pytest.approx([4 / 3, 0.0, 4.0])


@pytest.mark.parametrize('areas', [(), (0, 0), (4, -1)])
def test_counts_that_are_none_are_refused(areas):
    with pytest.raises(ValueError, match='must be counts, at least one of them above 0'):
        inverse_area_weights(areas)


def test_the_mean_is_torchs(batch):
    logits, labels = batch
    expected = F.cross_entropy(logits, labels, inverse_area_weights(AREAS), ignore_index=255)
    torch.testing.assert_close(InverseAreaLoss(AREAS)(logits, labels), expected)


def test_without_areas_every_class_weighs_alike(batch):
    logits, labels = batch
    torch.testing.assert_close(InverseAreaLoss()(logits, labels), F.cross_entropy(logits, labels, ignore_index=255))


def test_a_mean_over_all_pixels_on_request(batch):
    logits, labels = batch
    total = F.cross_entropy(logits, labels, inverse_area_weights(AREAS), ignore_index=255, reduction='sum')
    loss = InverseAreaLoss(AREAS, avg_non_ignore=False, loss_weight=2.0)
    torch.testing.assert_close(loss(logits, labels), 2 * total / labels.numel())


def test_a_batch_without_valid_pixels_has_no_loss_and_a_gradient(batch):
    logits, labels = batch
    logits.requires_grad_()
    loss = InverseAreaLoss(AREAS)(logits, torch.full_like(labels, 255))
    loss.backward()
    assert loss == 0
    assert torch.isfinite(logits.grad).all()


def test_pixels_may_be_weighted_too(batch):
    logits, labels = batch
    loss = InverseAreaLoss(AREAS)
    torch.testing.assert_close(loss(logits, labels, weight=torch.full(labels.shape, 3.0)), 3 * loss(logits, labels))


def test_one_count_for_each_class(batch):
    with pytest.raises(ValueError, match='2 class weights for 3 channels'):
        InverseAreaLoss((3, 1))(*batch)


@pytest.mark.parametrize('dtype', [torch.float16, torch.bfloat16])
@pytest.mark.parametrize('areas', [None, (99_950, 40, 10)])
def test_half_precision_logits_cost_what_their_values_cost_in_float32(dtype, areas):
    """The weights of these pixels add up to more than float16 holds, and to more digits than bfloat16 has."""
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(1, 3, 40, 50, generator=generator).to(dtype).requires_grad_()
    labels = torch.randint(0, 3, (1, 40, 50), generator=generator)
    loss = InverseAreaLoss(areas)
    found = loss(logits, labels)
    assert torch.equal(found, loss(logits.detach().float(), labels))
    found.backward()
    assert logits.grad.dtype == dtype and logits.grad.abs().sum() > 0


def test_weights_are_no_part_of_a_checkpoint():
    assert not InverseAreaLoss(AREAS).state_dict()


def test_the_toolboxs_own_loss_cannot_ignore_pixels_with_class_weights(batch):
    """Why this one exists; a failure here means that it may no longer be needed."""
    init_default_scope('mmseg')
    loss = MODELS.build(dict(type='CrossEntropyLoss', class_weight=[1.0, 2.0, 3.0], avg_non_ignore=True))
    with pytest.raises(IndexError):
        loss(*batch, ignore_index=255)


def test_one_batch_is_learnt(scene, overfit):
    torch.manual_seed(0)
    images, labels = scene
    network = nn.Sequential(nn.Conv2d(3, 16, 3, padding=1), nn.ReLU(), nn.Conv2d(16, 3, 1))
    loss = InverseAreaLoss(torch.bincount(labels[labels != 255], minlength=3).tolist())
    first, last, score = overfit(network, images, labels, loss=lambda net: loss(net(images), labels), rate=1e-2)
    assert score > 90
    assert last < first / 4
