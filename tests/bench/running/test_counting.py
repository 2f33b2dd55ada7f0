import numpy as np
import pytest
import torch

from bench.measure import detail
from bench.running import counting
from bench.running.counting import Counting

K, IMAGES = 4, 9


def images(count=IMAGES):
    generator = torch.Generator().manual_seed(0)
    made = []
    for index in range(count):
        size = (20 + index, 30)
        truth = torch.randint(0, K, size, generator=generator)
        truth[torch.rand(size, generator=generator) < 0.1] = 255
        made.append((torch.randint(0, K, size, generator=generator), truth))
    return made


def count(pairs, **options):
    counted = Counting('cpu', K, 255, **options)
    for pair in pairs:
        counted.add(*pair)
    return counted.finish()


@pytest.mark.parametrize('block', [1, 4, 64])
@pytest.mark.parametrize('waiting', [1, 16])
def test_beside_the_device_the_same_is_counted_in_the_same_order(block, waiting, monkeypatch):
    """Blocks that divide the images, that leave a rest, and that are never filled."""
    monkeypatch.setattr(counting, 'BLOCK_IMAGES', block)
    monkeypatch.setattr(counting, 'MAX_WAITING', waiting)
    matrices, counts = count(images(), in_detail=True, beside=True)
    expected, expected_counts = count(images(), in_detail=True, beside=False)
    assert matrices.shape == (IMAGES, K, K)
    np.testing.assert_array_equal(matrices, expected)
    assert set(counts) == set(expected_counts) != set()
    for name, values in expected_counts.items():
        np.testing.assert_array_equal(counts[name], values)


@pytest.mark.parametrize('beside', [False, True])
def test_without_detail_nothing_but_the_matrices_is_counted(beside, monkeypatch):
    monkeypatch.setattr(detail, 'image_counts', None)
    matrices, counts = count(images(2), in_detail=False, beside=beside)
    assert len(matrices) == 2 and counts == {}


@pytest.mark.parametrize('which', [0, 1])
@pytest.mark.parametrize('value', [K, 260, -1])
def test_a_value_that_is_no_class_is_refused_before_the_end(which, value):
    pairs = images()
    pairs[3][which][2, 2] = value
    kind = ('predictions', 'labels')[which]
    with pytest.raises(ValueError, match=f'1 {kind} are outside 0 to {K - 1}'):
        count(pairs, in_detail=False, beside=True)
