import math

import pytest
import torch
from mmseg.registry import MODELS
from torch.nn import functional as F

from custom_ops.losses import RMILoss, rmi_loss
from custom_ops.losses.rmi import RIDGE, centred_windows, conditional_entropy, masked_bce, one_hot, pool_map

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


@pytest.fixture
def small_input():
    generator = torch.Generator().manual_seed(3)
    logits = torch.randn(2, 3, 8, 9, generator=generator, dtype=torch.float64)
    labels = torch.randint(0, 3, (2, 8, 9), generator=generator)
    labels[0, 2:4, 1:5] = 255
    return logits, labels


@pytest.mark.parametrize('case', GOLDEN)
def test_golden_values(golden_input, case):
    options, loss, norm, first = GOLDEN[case]
    logits, labels = golden_input
    logits.requires_grad_()
    value = rmi_loss(logits, labels, **options)
    (gradient,) = torch.autograd.grad(value, logits)
    assert value.item() == pytest.approx(loss, rel=1e-6)
    # Half a unit of the last printed digit.
    assert gradient.norm().item() == pytest.approx(norm, abs=5e-8)
    assert gradient[0, 0, 0, 0].item() == pytest.approx(first, rel=1e-5)


def test_golden_cross_entropy(golden_input):
    logits, labels = golden_input
    assert masked_bce(logits, *one_hot(labels, 3, 255, torch.float32)).item() == pytest.approx(2.306803, rel=1e-6)


def test_an_image_without_valid_pixels_costs_its_closed_form_and_has_no_gradient():
    logits = torch.randn(1, 11, 32, 32, requires_grad=True)
    loss = rmi_loss(logits, torch.full((1, 32, 32), 255))
    loss.backward()
    assert loss.item() == pytest.approx(0.5 * 11 * 0.5 * math.log(5e-4), rel=1e-7)
    assert not logits.grad.any()


def test_an_absent_class_contributes_half_the_log_of_the_ridge():
    labels = torch.zeros(1, 3, 10, 10)
    probabilities = torch.rand(1, 3, 10, 10)
    entropy = conditional_entropy(centred_windows(labels, 3), centred_windows(probabilities, 3)) / 9
    torch.testing.assert_close(entropy, torch.full((1, 3), 0.5 * math.log(5e-4)).double())


def test_a_perfect_prediction_tends_to_half_the_log_of_twice_the_ridge():
    labels = torch.randint(0, 2, (1, 1, 256, 256), generator=torch.Generator().manual_seed(0)).double()
    windows = centred_windows(labels, 3)
    assert (conditional_entropy(windows, windows) / 9).item() == pytest.approx(0.5 * math.log(1e-3), abs=1e-4)


def test_entropy_equals_the_formula_with_an_explicit_inverse(small_input):
    """Second implementation: the Schur complement, literally."""
    logits, labels = small_input
    targets, mask = one_hot(labels, 3, 255, torch.float64)
    label, probability = centred_windows(targets, 3), centred_windows(torch.sigmoid(logits) * mask, 3)
    ridge = RIDGE * torch.eye(9, dtype=torch.float64)
    covariance = {
        (a, b): x @ y.mT for a, x in (('l', label), ('p', probability)) for b, y in (('l', label), ('p', probability))
    }
    inverse = torch.linalg.inv(covariance['p', 'p'] + ridge)
    left = covariance['l', 'l'] - covariance['l', 'p'] @ inverse @ covariance['l', 'p'].mT
    torch.testing.assert_close(conditional_entropy(label, probability), 0.5 * torch.logdet(left + ridge))


def test_windows_are_the_unfolded_map_without_its_mean(small_input):
    maps = small_input[0]
    unfolded = F.unfold(maps, 3).view(2, 3, 9, -1)
    torch.testing.assert_close(centred_windows(maps, 3), unfolded - unfolded.mean(3, keepdim=True))


@pytest.mark.parametrize('pool', ['avg', 'max', None])
def test_gradient_is_that_of_finite_differences(small_input, pool):
    logits, labels = small_input
    options = dict(pool=pool, pool_size=2, pool_stride=2)
    assert torch.autograd.gradcheck(lambda x: rmi_loss(x, labels, **options), logits.requires_grad_())


def test_ignored_pixels_have_no_gradient(small_input):
    logits, labels = small_input
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
    assert not region[..., 130:].any()
    assert region[..., :130].any(dim=2).all()


def test_average_pooling_counts_the_padding_as_zeros():
    pooled = pool_map(torch.ones(1, 1, 8, 8), 'avg', 4, 4)
    assert pooled.shape == (1, 1, 3, 3)
    assert pooled[0, 0].tolist() == [[0.25, 0.5, 0.25], [0.5, 1.0, 0.5], [0.25, 0.5, 0.25]]


def test_two_ways_to_combine(small_input):
    logits, labels = small_input
    options = dict(pool_size=2, pool_stride=2)
    bce = rmi_loss(logits, labels, rmi_weight=0.0, **options)
    rmi = rmi_loss(logits, labels, rmi_weight=1.0, **options)
    torch.testing.assert_close(rmi_loss(logits, labels, rmi_weight=0.3, **options), 0.7 * bce + 0.3 * rmi)
    both = rmi_loss(logits, labels, rmi_weight=0.3, combine='sum', **options)
    torch.testing.assert_close(both, bce + 0.3 * rmi)


@pytest.mark.parametrize('dtype', [torch.float16, torch.bfloat16])
def test_half_precision_is_computed_in_float32(golden_input, dtype):
    logits, labels = golden_input
    half = logits.to(dtype)
    loss = rmi_loss(half, labels)
    assert loss.dtype == torch.float32
    assert torch.equal(loss, rmi_loss(half.float(), labels))


def test_autocast_does_not_lower_the_precision(golden_input):
    logits, labels = golden_input
    with torch.autocast('cpu', dtype=torch.bfloat16):
        inside = rmi_loss(logits, labels)
    assert torch.equal(inside, rmi_loss(logits, labels))


@pytest.mark.parametrize('value', [math.nan, math.inf, -math.inf])
def test_logits_that_are_not_finite_are_refused(golden_input, value):
    logits, labels = golden_input
    logits[0, 1, 2, 3] = value
    with pytest.raises(FloatingPointError, match='1 of 1920 logits are not finite'):
        rmi_loss(logits, labels)


@pytest.mark.parametrize('value', [3, -1, 254])
def test_labels_out_of_range_are_refused(golden_input, value):
    logits, labels = golden_input
    labels[1, 0, 0] = value
    with pytest.raises(ValueError, match=rf'label {value} is outside 0 to 2 and is not the ignored 255'):
        rmi_loss(logits, labels)


def test_shapes_that_disagree_are_refused(golden_input):
    logits, labels = golden_input
    with pytest.raises(ValueError, match=r'labels \(2, 15, 20\) do not belong to logits \(2, 3, 16, 20\)'):
        rmi_loss(logits, labels[:, :-1])


def test_maps_smaller_than_a_window_are_refused():
    with pytest.raises(ValueError, match='pooled map of 2x2 cells holds no window of 3x3'):
        rmi_loss(torch.zeros(1, 2, 4, 4), torch.zeros(1, 4, 4, dtype=torch.long))


def test_registered_loss_is_called_like_the_toolboxs(golden_input):
    logits, labels = golden_input
    loss = MODELS.build(dict(type='RMILoss', loss_weight=2.0))
    assert isinstance(loss, RMILoss)
    assert loss.loss_name == 'loss_rmi'
    torch.testing.assert_close(loss(logits, labels, weight=None, ignore_index=255), 2 * rmi_loss(logits, labels))
    other = labels.where(labels != 255, 254)
    torch.testing.assert_close(loss(logits, other, ignore_index=254), 2 * rmi_loss(logits, labels))


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        (dict(pool='mean'), "pool 'mean': choose from avg, max or None"),
        (dict(combine='product'), "combine 'product': choose from convex, sum"),
        (dict(radius=0), 'radius 0: must be at least 1'),
    ],
)
def test_unknown_options_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        RMILoss(**options)


@pytest.mark.parametrize('options', [dict(weight=torch.ones(2, 16, 20)), dict(avg_factor=3.0)])
def test_pixel_weights_are_refused(golden_input, options):
    with pytest.raises(ValueError, match='have no meaning for regions'):
        RMILoss()(*golden_input, **options)
