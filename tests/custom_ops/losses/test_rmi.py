import math

import pytest
import torch
from mmseg.registry import MODELS
from torch import nn

from custom_ops.losses import RMILoss, rmi_loss

# Computed in float64 by independent programs: options -> loss, norm of the gradient, its first element.
GOLDEN = {
    'avg 4/4': (dict(), -1.7993113, 0.0988078, -9.6381642e-4),
    'avg 2/2': (dict(pool_size=2, pool_stride=2), 1.9934218, 0.0368222, -3.4523010e-4),
    'none': (dict(pool=None), 3.1406744, 0.0343478, -4.2480370e-4),
}


@pytest.fixture
def golden_input():
    t = torch.arange(2 * 3 * 16 * 20, dtype=torch.float64).view(2, 3, 16, 20)
    logits = (torch.sin(0.7 * t) + 0.5 * torch.cos(0.13 * t)).float()
    rows, columns = torch.arange(16)[:, None], torch.arange(20)[None]
    labels = ((rows // 5 + columns // 7) % 3).repeat(2, 1, 1)
    labels[1] = (labels[1] + 1) % 3
    labels[:, 3:5, 4:9] = 255
    return logits, labels


@pytest.mark.parametrize('case', GOLDEN)
@pytest.mark.parametrize('dtype', [torch.float32, torch.float64])
def test_golden_values(golden_input, case, dtype):
    options, loss, norm, first = GOLDEN[case]
    logits, labels = golden_input
    logits = logits.to(dtype).requires_grad_()
    value = rmi_loss(logits, labels, **options)
    (gradient,) = torch.autograd.grad(value, logits)
    assert value.dtype == gradient.dtype == dtype
    assert value.item() == pytest.approx(loss, rel=1e-6)
    # Half a unit of the last printed digit.
    assert gradient.norm().item() == pytest.approx(norm, abs=5e-8)
    assert gradient[0, 0, 0, 0].item() == pytest.approx(first, rel=1e-6)


def test_golden_cross_entropy(golden_input):
    assert rmi_loss(*golden_input, rmi_weight=0.0).item() == pytest.approx(2.306803, rel=1e-6)


def test_an_image_without_valid_pixels_costs_its_closed_form_and_has_no_gradient():
    logits = torch.randn(1, 11, 32, 32, requires_grad=True)
    loss = rmi_loss(logits, torch.full((1, 32, 32), 255))
    loss.backward()
    assert loss.item() == pytest.approx(-20.90248, rel=1e-6)
    assert loss.item() == pytest.approx(0.5 * 11 * 0.5 * math.log(5e-4), rel=1e-7)
    assert not logits.grad.any()


def test_a_perfect_prediction_of_a_present_class_tends_to_its_closed_form():
    labels = torch.randint(0, 2, (1, 256, 256), generator=torch.Generator().manual_seed(0))
    logits = 60.0 * torch.stack([1 - 2 * labels, 2 * labels - 1], dim=1)
    region = rmi_loss(logits, labels, pool=None, rmi_weight=1.0)
    assert (region / 2).item() == pytest.approx(0.5 * math.log(1e-3), abs=1e-4)


def test_an_absent_class_adds_its_constant_and_has_no_region_gradient(golden_input):
    logits, labels = golden_input
    three = rmi_loss(logits, labels, rmi_weight=1.0)
    logits = torch.cat([logits, logits[:, :2]], dim=1).requires_grad_()
    five = rmi_loss(logits, labels, rmi_weight=1.0)
    five.backward()
    assert (five - three).item() == pytest.approx(2 * 0.5 * math.log(5e-4), rel=1e-6)
    assert not logits.grad[:, 3:].any()
    assert logits.grad[:, :3].any()


def test_ignored_pixels_have_no_gradient(golden_input):
    logits, labels = golden_input
    rmi_loss(logits.requires_grad_(), labels, pool_size=2, pool_stride=2).backward()
    ignored = (labels == 255)[:, None].expand_as(logits)
    assert not logits.grad[ignored].any()
    assert logits.grad[~ignored].all()


def test_trailing_columns_outside_every_window_get_the_pixel_gradient_alone():
    """Width 131 pooled 4/4 covers pixels 0 to 129: the last column belongs to the cross entropy only."""
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(1, 2, 32, 131, generator=generator, dtype=torch.float64, requires_grad=True)
    labels = torch.randint(0, 2, (1, 32, 131), generator=generator)
    (region,) = torch.autograd.grad(rmi_loss(logits, labels, rmi_weight=1.0), logits)
    (pixel,) = torch.autograd.grad(rmi_loss(logits, labels, rmi_weight=0.0), logits)
    assert not region[..., 130:].any()
    assert region[..., :130].any(dim=2).all()
    assert pixel[..., 130:].all()


def test_two_ways_to_combine(golden_input):
    bce, rmi = (rmi_loss(*golden_input, rmi_weight=weight) for weight in (0.0, 1.0))
    torch.testing.assert_close(rmi_loss(*golden_input, rmi_weight=0.3), 0.7 * bce + 0.3 * rmi)
    torch.testing.assert_close(rmi_loss(*golden_input, rmi_weight=0.3, combine='sum'), bce + 0.3 * rmi)


def test_the_cross_entropy_alone_takes_maps_smaller_than_a_window():
    logits, labels = torch.zeros(1, 2, 4, 4), torch.zeros(1, 4, 4, dtype=torch.long)
    assert rmi_loss(logits, labels, rmi_weight=0.0).item() == pytest.approx(2 * math.log(2) * 16 / 17)
    with pytest.raises(ValueError, match='pooled map of 2x2 cells holds no window of 3x3'):
        rmi_loss(logits, labels)


@pytest.mark.parametrize('dtype', [torch.float16, torch.bfloat16])
def test_half_precision_is_computed_in_float32(golden_input, dtype):
    """Its gradient too: rounded once, at the end, however large a loss scale."""
    logits, labels = golden_input
    half = logits.to(dtype).requires_grad_()
    full = half.detach().float().requires_grad_()
    loss, reference = rmi_loss(half, labels), rmi_loss(full, labels)
    assert loss.dtype == torch.float32
    assert torch.equal(loss, reference)
    (1000 * loss).backward()
    (1000 * reference).backward()
    assert half.grad.dtype == dtype
    assert torch.equal(half.grad, full.grad.to(dtype))


def test_autocast_does_not_lower_the_precision(golden_input):
    logits, labels = golden_input
    logits.requires_grad_()
    with torch.autocast('cpu', dtype=torch.bfloat16):
        inside = rmi_loss(logits, labels)
    outside = rmi_loss(logits, labels)
    assert torch.equal(inside, outside)
    assert torch.equal(*(torch.autograd.grad(loss, logits)[0] for loss in (inside, outside)))


@pytest.mark.parametrize('value', [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize('place', [(0, 1, 2, 3), (0, 1, 3, 4)], ids=['valid pixel', 'ignored pixel'])
def test_logits_that_are_not_finite_are_refused(golden_input, value, place):
    logits, labels = golden_input
    logits[place] = value
    with pytest.raises(FloatingPointError, match='1 of 1920 logits are not finite'):
        rmi_loss(logits, labels)


def test_infinities_of_both_signs_do_not_cancel(golden_input):
    logits, labels = golden_input
    logits[0, 0, 0, 0], logits[0, 0, 0, 1] = math.inf, -math.inf
    with pytest.raises(FloatingPointError, match='2 of 1920 logits are not finite'):
        rmi_loss(logits, labels)


@pytest.mark.parametrize('value', [3, -1, 254, -(2**40)])
def test_labels_out_of_range_are_refused(golden_input, value):
    logits, labels = golden_input
    labels[1, 0, 0] = value
    with pytest.raises(ValueError, match=rf'label {value} is outside 0 to 2 and is not the ignored 255'):
        rmi_loss(logits, labels)


def test_any_number_can_be_the_ignored_one(golden_input):
    logits, labels = golden_input
    expected = rmi_loss(logits, labels)
    for other in (-1, 3, 10**6):
        assert torch.equal(rmi_loss(logits, labels.where(labels != 255, other), ignore_index=other), expected)
    # A class can be: the label 2 then counts like 255 did.
    two = torch.where(labels == 2, 255, labels)
    assert torch.equal(rmi_loss(logits, torch.where(two == 255, 2, two), ignore_index=2), rmi_loss(logits, two))


@pytest.mark.parametrize('dtype', [torch.uint8, torch.int32])
def test_labels_of_other_integer_types(golden_input, dtype):
    logits, labels = golden_input
    assert torch.equal(rmi_loss(logits, labels.to(dtype)), rmi_loss(logits, labels))


def test_registered_loss_is_called_like_the_toolboxs(golden_input):
    logits, labels = golden_input
    loss = MODELS.build(dict(type='RMILoss', loss_weight=2.0))
    assert isinstance(loss, RMILoss)
    assert loss.loss_name == 'loss_rmi'
    torch.testing.assert_close(loss(logits, labels, weight=None, ignore_index=255), 2 * rmi_loss(logits, labels))
    other = labels.where(labels != 255, 254)
    torch.testing.assert_close(loss(logits, other, ignore_index=254), 2 * rmi_loss(logits, labels))


@pytest.mark.parametrize('options', [dict(weight=torch.ones(2, 16, 20)), dict(avg_factor=3.0)])
def test_pixel_weights_are_refused(golden_input, options):
    with pytest.raises(ValueError, match='have no meaning for regions'):
        RMILoss()(*golden_input, **options)


@pytest.mark.parametrize('options', [dict(pool_size=2, pool_stride=2), dict(pool='max'), dict(pool=None)], ids=str)
def test_one_batch_is_learnt(scene, overfit, options):
    """The loss ends below zero: both of its parts fall."""
    torch.manual_seed(0)
    images, labels = scene
    network = nn.Sequential(nn.Conv2d(3, 16, 3, padding=1), nn.ReLU(), nn.Conv2d(16, 3, 1))
    loss = RMILoss(**options)
    first, last, score = overfit(network, images, labels, loss=lambda net: loss(net(images), labels), rate=1e-2)
    assert score > 90
    assert last < first - 1
