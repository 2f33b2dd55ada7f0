import math

import pytest
import torch
from torch.nn import functional as F

from custom_ops.losses import rmi_planes
from custom_ops.losses.rmi_planes import (
    Scratch,
    add_spread,
    cell_count,
    cell_sums,
    cross_entropy_sum,
    groups,
    images,
    roomy_empty,
)

# Beside each other, overlapping and apart; odd sizes; one cell; a cell of one pixel.
POOLS = [(4, 4), (2, 2), (3, 3), (5, 3), (3, 5), (4, 1), (1, 1), (8, 8)]
SIZES = [(16, 20), (17, 23), (8, 131), (9, 8)]


@pytest.fixture
def scratch():
    return Scratch(torch.device('cpu'))


def walk(logits, labels, scratch):
    """(image, Planes) in order."""
    for index, image in enumerate(images(logits, labels, ignore_index=255)):
        for planes in groups(image, scratch):
            yield index, planes


@pytest.mark.parametrize(('pixels', 'sizes'), [(1, [1] * 7), (3 * 24, [3, 3, 1]), (10**6, [7])])
def test_every_class_of_every_image_is_met_once(scratch, monkeypatch, pixels, sizes):
    monkeypatch.setattr(rmi_planes, 'CPU_GROUP_PIXELS', pixels)
    logits, labels = torch.randn(2, 7, 4, 6), torch.randint(0, 7, (2, 4, 6))
    labels[1, 0] = 255
    met, count = torch.zeros_like(logits), []
    for index, planes in walk(logits, labels, scratch):
        met[index, planes.classes] += planes.logits
        count.append(len(planes.logits))
        valid = labels[index] != 255
        names = torch.arange(7)[planes.classes].view(-1, 1, 1)
        assert torch.equal(planes.targets, (labels[index] == names).float())
        assert torch.equal(planes.probabilities, torch.sigmoid(planes.logits) * valid)
    assert count == 2 * sizes
    assert torch.equal(met, logits)


@pytest.mark.parametrize('scale', [0.1, 3.0, 12.0, 30.0])
@pytest.mark.parametrize('sign', [1, -1], ids=['right', 'wrong'])
def test_cross_entropy_keeps_its_digits_on_confident_logits(scratch, scale, sign):
    """All logits alike: the rounding of 1 - p would be the same everywhere and not average out."""
    labels = torch.arange(2).repeat(512).view(8, 8, 16)
    logits = sign * scale * (2.0 * F.one_hot(labels, 2).permute(0, 3, 1, 2) - 1)
    found = sum(cross_entropy_sum(planes, scratch).item() for _, planes in walk(logits, labels, scratch))
    scale = float(torch.tensor(scale))
    each = math.log1p(math.exp(-scale)) + (scale if sign < 0 else 0)
    assert found == pytest.approx(2048 * each, rel=1e-6)


def test_absent_classes_are_told_from_present_ones(scratch, monkeypatch):
    monkeypatch.setattr(rmi_planes, 'CPU_GROUP_PIXELS', 1)
    labels = torch.full((1, 4, 6), 255)
    labels[0, 2, 3] = 1
    absent = [planes.absent() for _, planes in walk(torch.randn(1, 3, 4, 6), labels, scratch)]
    assert absent == [True, False, True]


@pytest.mark.parametrize('dtype', [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_empty_tensors_are_aligned_contiguous_and_of_the_type_asked_for(dtype):
    for shape in ((3, 5, 7), (0, 4), ()):
        tensor = roomy_empty(shape, dtype, torch.device('cpu'))
        assert tensor.shape == shape
        assert tensor.dtype == dtype
        assert tensor.is_contiguous()
        assert tensor.data_ptr() % 64 == 0 or not tensor.numel()
        tensor.fill_(1)


def test_memory_is_reused_by_name_and_starts_as_zeros():
    scratch = Scratch(torch.device('cpu'))
    first = scratch.take('a', (4, 6), torch.float32)
    assert not first.any()
    first.fill_(1)
    assert scratch.take('a', (2, 3), torch.float32).data_ptr() == first.data_ptr()
    assert scratch.take('b', (4, 6), torch.float32).data_ptr() != first.data_ptr()
    assert scratch.take('a', (5, 6), torch.float32).shape == (5, 6)
    assert scratch.take('a', (2,), torch.float64).dtype == torch.float64


def planes_of(height, width):
    return torch.randn(3, height, width, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


@pytest.mark.parametrize(('height', 'width'), SIZES)
@pytest.mark.parametrize(('size', 'stride'), POOLS)
def test_sums_are_those_of_average_pooling(scratch, height, width, size, stride):
    planes = planes_of(height, width)
    expected = F.avg_pool2d(planes, size, stride, padding=size // 2, divisor_override=1)
    torch.testing.assert_close(cell_sums(planes, size, stride, scratch), expected)
    assert expected.shape[1:] == (cell_count(height, size, stride), cell_count(width, size, stride))


@pytest.mark.parametrize(('height', 'width'), SIZES)
@pytest.mark.parametrize(('size', 'stride'), POOLS)
def test_spreading_is_the_adjoint_of_summing(scratch, height, width, size, stride):
    """<sums(x * f), c> = <x, f * spread(c)>, on top of what is there."""
    planes, factor, before = planes_of(height, width).unbind(), planes_of(height, width) + 2, planes_of(height, width)
    planes = torch.stack(planes[::-1])
    sums = cell_sums(planes * factor, size, stride, scratch).clone()
    cells = torch.randn_like(sums)
    after = before.clone()
    add_spread(after, cells, factor, size, stride, scratch)
    torch.testing.assert_close((sums * cells).sum(), (planes * (after - before)).sum())


def test_scratch_left_by_other_planes_does_no_harm(scratch):
    """The same memory serves maps of other sizes in between."""
    planes = planes_of(17, 23)
    first = cell_sums(planes, 4, 4, scratch).clone()
    cell_sums(torch.full((5, 16, 20), 1e9, dtype=torch.float64), 4, 4, scratch)
    assert torch.equal(cell_sums(planes, 4, 4, scratch), first)
