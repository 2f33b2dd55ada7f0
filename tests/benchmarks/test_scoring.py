"""Scoring one image of 1024x2048 pixels and 19 classes on one thread: ours against mmseg's.

Command: python -m pytest tests/benchmarks/test_scoring.py --benchmark-enable
"""

import timeit

import cv2
import numpy as np
import pytest
import torch
from mmseg.evaluation.metrics import IoUMetric

from bench.measure import detail
from custom_ops.metrics.confusion import confusion_matrix

H, W, K = 1024, 2048, 19
REQUIRED_RATIO = 10


@pytest.fixture(autouse=True)
def one_thread():
    threads, cv2_threads = torch.get_num_threads(), cv2.getNumThreads()
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    yield
    torch.set_num_threads(threads)
    cv2.setNumThreads(cv2_threads)


def enlarge(values):
    return cv2.resize(values, (W, H), interpolation=cv2.INTER_NEAREST)


def random_maps():
    """Every pixel on its own: the worst case for a processor that guesses branches."""
    generator = np.random.default_rng(0)
    label = generator.integers(0, K, (H, W), dtype=np.uint8)
    label[generator.random((H, W)) < 0.1] = 255
    return generator.integers(0, K, (H, W)), label


def street_maps():
    """Large regions, as in a photograph, with a prediction that errs in patches: long runs hit the same counter."""
    generator = np.random.default_rng(0)
    label = generator.integers(0, K, (16, 32), dtype=np.uint8)
    label[generator.random(label.shape) < 0.1] = 255
    label = enlarge(label)
    errors = enlarge((generator.random((128, 256)) < 0.1).astype(np.uint8))
    return np.where((errors == 1) | (label == 255), 3, label).astype(np.int64), label


MAPS = {'random': random_maps, 'street': street_maps}


def pair(kind, dtype):
    prediction, label = MAPS[kind]()
    return torch.from_numpy(prediction), torch.from_numpy(label).to(dtype)


def ours(prediction, label):
    return confusion_matrix(prediction, label, K)


def mmsegs(prediction, label):
    """What its metric does with one image, the label's cast included."""
    return IoUMetric.intersect_and_union(prediction, label.to(prediction), K, 255)


@pytest.mark.parametrize('score', [ours, mmsegs], ids=['ours', 'mmseg'])
@pytest.mark.parametrize('dtype', [torch.int64, torch.uint8], ids=['int64', 'uint8'])
@pytest.mark.parametrize('kind', MAPS)
@pytest.mark.benchmark(warmup=True)
def test_scoring(benchmark, kind, dtype, score):
    benchmark.group = f'confusion {H}x{W}, {K} classes, {kind} maps, {dtype} labels'
    benchmark(score, *pair(kind, dtype))


@pytest.mark.parametrize('dtype', [torch.int64, torch.uint8], ids=['int64', 'uint8'])
@pytest.mark.parametrize('kind', MAPS)
def test_scoring_is_ten_times_faster(benchmark, kind, dtype):
    """Both in one run, in turn, so that a busy machine slows both down; the same counts come out."""
    prediction, label = pair(kind, dtype)
    matrix, areas = ours(prediction, label), mmsegs(prediction, label)
    for found, area in zip((matrix.diagonal(), matrix.sum(0), matrix.sum(1)), (areas[0], *areas[2:]), strict=True):
        assert torch.equal(found, area.long())
    pairs = [
        tuple(timeit.timeit(lambda score=score: score(prediction, label), number=1) for score in (mmsegs, ours))
        for _ in range(15)
    ]
    # The fastest of each: what another process takes away only ever adds.
    slow, fast = (1e3 * min(times) for times in zip(*pairs, strict=True))
    ratio = slow / fast
    benchmark.group = 'ratio'
    benchmark.extra_info['ratio'] = ratio
    benchmark.pedantic(ours, (prediction, label), rounds=10)
    print(f'\n{kind} maps, {dtype} labels: mmseg {slow:.1f} ms, ours {fast:.1f} ms, ratio {ratio:.1f}')
    assert ratio >= REQUIRED_RATIO


@pytest.mark.parametrize('kind', MAPS)
def test_counting_in_detail(benchmark, kind):
    """What a processor does beside the device: boundaries, objects by size and the centre square of one image."""
    prediction, label = MAPS[kind]()
    benchmark.group = f'boundaries and objects {H}x{W}, {K} classes'
    counts = benchmark.pedantic(detail.image_counts, (prediction, label, K), rounds=3, warmup_rounds=1)
    assert counts['objects'][..., 2].sum() == ours(*map(torch.from_numpy, (prediction, label))).diagonal().sum()
