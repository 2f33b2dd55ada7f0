"""Scoring one image of 1024x2048 pixels and 19 classes: ours against mmseg's, and against the forward pass it follows.

On one thread of the processor; networks, and the matrices of what they predict, on a GPU where there is one.

Command: python -m pytest tests/benchmarks/test_scoring.py --benchmark-enable
With SEGREPRO_WRITE_BENCHMARKS=1 in the environment it also writes ``reports/benchmarks/scoring-<device>.md``.
"""

import time
import timeit

import cv2
import numpy as np
import pandas as pd
import pytest
import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmseg.evaluation.metrics import IoUMetric
from mmseg.models.segmentors import EncoderDecoder
from mmseg.registry import MODELS

from bench import compose, paths
from bench.measure import detail, latency
from custom_ops.metrics.confusion import confusion_matrix, table

H, W, K = 1024, 2048, 19
REQUIRED_RATIO = 10
DEVICE = 'cuda' if torch.cuda.is_available() else 'cpu'
ROUNDS = 20 if DEVICE == 'cuda' else 2
# What other work takes from a busy processor is not counted; a device is waited for.
CLOCK = time.perf_counter if DEVICE == 'cuda' else time.process_time
NETWORKS = {'ENet': 'kitti_ablation/enet', 'DeepLabV3+ R50': 'deeplab_depth/resnet50'}
WINDOWS = ((512, 384), (256, 192)) if DEVICE == 'cuda' else ((256, 192),)
"""Sides and strides of square windows, in pixels."""
AT_ONCE = (1, 4, 8)
ABOUT = f"""Best of {ROUNDS} rounds in turn, in milliseconds (processor time where there is no GPU), of one image of
{H}x{W} pixels with {K} classes; fp32, channels last, one thread of the processor. A forward pass ends with the
classes. The counts in detail (boundaries, objects, the centre square) are the processor's in any case; beside a GPU
they run in threads while the next image is predicted. Maps are those of a street: large regions, a tenth of the
patches wrong. Windows are ENet's."""


pytestmark = pytest.mark.usefixtures('one_thread')


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


def build(name, **model):
    """Return the network of an experiment, ready to predict; ``model`` changes its config."""
    init_default_scope('mmseg')
    config = compose.model_for(compose.read_experiment(paths.configs_dir() / f'{name}.py').model, K)
    torch.manual_seed(0)
    built = MODELS.build(Config({'model': {**config, **model}}).model).to(DEVICE).eval()
    return built.to(memory_format=torch.channels_last)


def image():
    torch.manual_seed(0)
    return torch.randn(1, 3, H, W, device=DEVICE).to(memory_format=torch.channels_last)


def best_ms(calls):
    """Return the fastest of each call, in milliseconds, all in turn; the first round warms up."""

    def seconds(call):
        def whole():
            call()
            if DEVICE == 'cuda':
                torch.cuda.synchronize()

        return timeit.timeit(whole, timer=CLOCK, number=1)

    rounds = [[seconds(call) for call in calls.values()] for _ in range(ROUNDS)]
    return {name: 1e3 * min(times) for name, times in zip(calls, zip(*rounds, strict=True), strict=True)}


def steps():
    """Return what is done for one image: forward passes, then counting."""
    prediction, label = MAPS['street']()
    on_device = [torch.from_numpy(each).to(DEVICE) for each in (prediction, label)]
    forward = {
        f'forward pass of {name}': latency.forward_argmax(build(path, test_cfg={'mode': 'whole'}), image())
        for name, path in NETWORKS.items()
    }
    return forward | {
        'confusion matrix': lambda: table(*on_device, K),
        'confusion matrix, mmseg': lambda: mmsegs(*on_device),
        'counts in detail': lambda: detail.image_counts(prediction, label, K),
    }


def slides(side, stride):
    """Return sliding inference over one image: the toolbox's and ours with more and more windows at once."""
    test_cfg = {'mode': 'slide', 'crop_size': (side, side), 'stride': (stride, stride)}
    inputs, metas = image(), [{'img_shape': (H, W), 'ori_shape': (H, W), 'pad_shape': (H, W)}]
    ours = [
        build(NETWORKS['ENet'], type='SlidingSegmentor', test_cfg=test_cfg | {'windows_at_once': many})
        for many in AT_ONCE
    ]
    what = f'windows of {side}x{side} every {stride}'
    return {f'{what}, mmseg': lambda: EncoderDecoder.slide_inference(ours[0], inputs, metas)} | {
        f'{what}, {many} at once': lambda model=model: model.slide_inference(inputs, metas)
        for many, model in zip(AT_ONCE, ours, strict=True)
    }


@torch.inference_mode()
def test_scoring_beside_the_forward_pass(benchmark, write_page):
    found = best_ms(steps())
    for side, stride in WINDOWS:
        found |= best_ms(slides(side, stride))
    benchmark.pedantic(steps()['confusion matrix'], rounds=1)
    rows = [
        {'of one image': name, 'ms': time, '/ ENet': time / found['forward pass of ENet']}
        for name, time in found.items()
    ]
    title = 'Scoring beside the forward pass, sliding windows in batches'
    write_page('scoring', DEVICE, title, ABOUT, pd.DataFrame(rows))
    # Counting on the device may never be what an evaluation waits for.
    assert found['confusion matrix'] < found['forward pass of ENet']
