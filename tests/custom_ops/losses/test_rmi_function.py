import itertools
import math
import sys
from pathlib import Path

import pytest
import torch
from torch.nn import functional as F

from custom_ops.losses import rmi_loss, rmi_planes
from custom_ops.losses.rmi_function import LossParts

sys.path.insert(0, str(Path(__file__).parent))

from plain_rmi import plain_rmi_loss

OPTIONS = {
    'default': dict(),
    'avg 2/2': dict(pool_size=2, pool_stride=2),
    'avg 3/3': dict(pool_size=3, pool_stride=3),
    'overlapping': dict(pool_size=5, pool_stride=3, radius=2),
    'apart': dict(pool_size=2, pool_stride=3),
    'max': dict(pool='max', pool_size=3, pool_stride=2),
    'none': dict(pool=None),
    'sum, radius 1': dict(radius=1, combine='sum', rmi_weight=0.7),
    'cross entropy': dict(rmi_weight=0.0),
}
SHAPES = [(2, 3, 37, 41), (1, 5, 64, 131), (2, 19, 32, 48), (3, 2, 17, 16)]


def noisy(shape, scale=2.0):
    """Independent pixels, labels likewise, class 1 absent, a block ignored."""
    generator = torch.Generator().manual_seed(sum(shape))
    batch, classes, height, width = shape
    logits = scale * torch.randn(shape, generator=generator, dtype=torch.float64)
    labels = torch.randint(0, classes, (batch, height, width), generator=generator)
    labels[labels == 1] = 0
    labels[0, 3:9, 4:20] = 255
    return logits.float().double(), labels


def smooth(shape):
    """As a network predicts: neighbours agree, so that windows are nearly dependent."""
    batch, classes, height, width = shape
    coarse = torch.randn(batch, classes, 5, 6, generator=torch.Generator().manual_seed(1))
    logits = 6 * F.interpolate(coarse, (height, width), mode='bilinear')
    labels = logits.argmax(1)
    labels[0, :5, :7] = 255
    return logits.double(), labels


def loss_and_gradient(loss, logits, labels, **options):
    logits = logits.detach().requires_grad_()
    value = loss(logits, labels, **options)
    return value.item(), torch.autograd.grad(value, logits)[0]


def relative_error(gradient, exact):
    return ((gradient.double() - exact).norm() / exact.norm()).item()


@pytest.mark.parametrize('shape', SHAPES, ids=str)
@pytest.mark.parametrize('options', OPTIONS.values(), ids=OPTIONS)
@pytest.mark.parametrize('make', [noisy, smooth])
def test_loss_and_gradient_equal_the_referees(make, options, shape):
    logits, labels = make(shape)
    loss, exact = loss_and_gradient(plain_rmi_loss, logits, labels, **options)
    value, gradient = loss_and_gradient(rmi_loss, logits, labels, **options)
    assert value == pytest.approx(loss, rel=1e-12)
    assert relative_error(gradient, exact) < 1e-7

    value, gradient = loss_and_gradient(rmi_loss, logits.float(), labels, **options)
    _, plain = loss_and_gradient(plain_rmi_loss, logits.float(), labels, **options)
    assert value == pytest.approx(loss, rel=1e-6)
    # Where windows are nearly dependent, float32 probabilities alone cost more than that.
    assert relative_error(gradient, exact) < max(5e-6, relative_error(plain, exact))


@pytest.mark.parametrize('options', OPTIONS.values(), ids=OPTIONS)
def test_gradient_is_that_of_finite_differences(options):
    logits, labels = noisy((2, 3, 10, 11), scale=1.0)
    labels[:, 5:] = 2
    assert torch.autograd.gradcheck(lambda x: rmi_loss(x, labels, **options), logits.requires_grad_(), fast_mode=True)


@pytest.mark.parametrize('options', [OPTIONS['default'], OPTIONS['max'], OPTIONS['none']])
def test_groups_of_any_size_give_the_same(monkeypatch, options):
    logits, labels = noisy((2, 5, 37, 41))
    results = []
    for planes in (1, 2, 3, 5):
        monkeypatch.setattr(rmi_planes, 'CPU_GROUP_PIXELS', planes * 37 * 41)
        results.append(loss_and_gradient(rmi_loss, logits, labels, **options))
    for value, gradient in results[1:]:
        assert value == pytest.approx(results[0][0], rel=1e-12)
        torch.testing.assert_close(gradient, results[0][1], rtol=1e-9, atol=1e-14)


@pytest.mark.parametrize('dtype', [torch.float32, torch.bfloat16])
def test_any_memory_format_of_logits_and_labels(dtype):
    logits, labels = noisy((2, 5, 37, 41))
    logits = logits.to(dtype)
    expected = loss_and_gradient(rmi_loss, logits, labels)
    last = logits.contiguous(memory_format=torch.channels_last)
    cropped = F.pad(logits, (2, 3, 1, 1))[:, :, 1:-1, 2:-3]
    turned = labels.mT.contiguous().mT
    for one, other in itertools.product((last, cropped), (labels, turned)):
        value, gradient = loss_and_gradient(rmi_loss, one, other)
        assert value == expected[0]
        assert torch.equal(gradient, expected[1])


def test_parts_are_scaled_apart():
    logits, labels = noisy((1, 3, 37, 41))
    _, region = loss_and_gradient(rmi_loss, logits, labels, rmi_weight=1.0)
    _, pixel = loss_and_gradient(rmi_loss, logits, labels, rmi_weight=0.0)
    _, both = loss_and_gradient(rmi_loss, logits, labels, rmi_weight=3.0, combine='sum')
    torch.testing.assert_close(both, pixel + 3 * region)
    _, scaled = loss_and_gradient(lambda *args: -65536 * rmi_loss(*args), logits, labels)
    torch.testing.assert_close(scaled, -32768 * (pixel + region))


def test_nothing_is_kept_but_the_logits_themselves_and_the_averaged_maps():
    logits, labels = noisy((2, 5, 128, 192))
    kept = []
    logits.requires_grad_()
    with torch.autograd.graph.saved_tensors_hooks(lambda t: kept.append(t) or t, lambda t: t):
        rmi_loss(logits, labels)
    others = [t for t in kept if t.data_ptr() not in (logits.data_ptr(), labels.data_ptr())]
    assert len(others) < len(kept)
    # One sixteenth each for probabilities and labels.
    assert sum(t.numel() for t in others) < logits.numel() / 7


def test_a_second_backward_pass_gives_the_same_again():
    logits, labels = noisy((1, 3, 37, 41))
    loss = rmi_loss(logits.requires_grad_(), labels)
    first = torch.autograd.grad(loss, logits, retain_graph=True)[0]
    assert torch.equal(first, torch.autograd.grad(loss, logits)[0])


def test_without_a_gradient_the_value_is_the_same():
    logits, labels = noisy((1, 3, 37, 41))
    with torch.no_grad():
        value = rmi_loss(logits, labels)
    assert not value.requires_grad
    assert torch.equal(value, rmi_loss(logits.requires_grad_(), labels).detach())


def test_region_term_without_regions_is_zero():
    logits, labels = noisy((1, 3, 37, 41))
    _, region = LossParts.apply(logits, labels, 255, None)
    assert region.item() == 0


def test_confident_logits_have_finite_gradients():
    """Probabilities of exactly 0 and 1, as a long training gives."""
    logits, labels = smooth((1, 4, 64, 64))
    value, gradient = loss_and_gradient(rmi_loss, 1e3 * logits.float(), labels)
    assert math.isfinite(value)
    assert gradient.isfinite().all()


@pytest.mark.skipif(not torch.cuda.is_available(), reason='no GPU')
@pytest.mark.parametrize('options', OPTIONS.values(), ids=OPTIONS)
def test_a_gpu_gives_what_a_processor_does(options):
    logits, labels = noisy((2, 5, 37, 41))
    loss, exact = loss_and_gradient(plain_rmi_loss, logits, labels, **options)
    value, gradient = loss_and_gradient(rmi_loss, logits.float().cuda(), labels.cuda(), **options)
    assert value == pytest.approx(loss, rel=1e-6)
    assert relative_error(gradient.cpu(), exact) < 5e-6
