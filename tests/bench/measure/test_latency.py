from math import isfinite

import pytest
import torch
from mmengine.config import ConfigDict
from mmengine.registry import DefaultScope
from mmseg.registry import MODELS
from scipy.stats import binom, quantile_test

from bench.measure import latency
from bench.measure.latency import best_batch, forward_argmax, measure_latency, precision_context, summarise

K = 5


class FakeTime:
    """A clock that only a step moves, by the next of ``durations``; the last one repeats."""

    def __init__(self, *durations):
        self.now, self.durations = 0.0, list(durations)

    def step(self):
        self.now += self.durations.pop(0) if len(self.durations) > 1 else self.durations[0]

    def measure(self, **arguments):
        return measure_latency(self.step, 'cpu', clock=lambda: self.now, **arguments)


def test_slow_first_steps_are_not_sampled():
    """Windows of five with medians 8, 4, 2, 1 and 1: stable after the fifth."""
    time = FakeTime(*[8.0] * 5, *[4.0] * 5, *[2.0] * 5, 1.0)
    found = time.measure(seconds=100)
    assert (found['warmup'], found['warmup_stable']) == (25, True)
    assert found['samples_us'] == [1_000_000] * 100
    assert found['p50_ms'] == found['p99_ms'] == 1000.0


def test_a_warm_up_that_never_settles_ends_and_says_so():
    found = FakeTime(*[1.0 * 2 ** (step // 5) for step in range(60)]).measure(seconds=20)
    assert not found['warmup_stable']
    assert found['samples'] >= 1


def test_without_a_warm_up_the_first_step_is_a_sample():
    found = FakeTime(3.0, 1.0).measure(seconds=5, min_samples=2, warm_up=False)
    assert (found['warmup'], found['warmup_stable']) == (0, False)
    assert found['samples_us'] == [3_000_000, 1_000_000, 1_000_000]


def test_a_slow_step_is_sampled_past_the_seconds_but_not_for_ever():
    assert FakeTime(1.0).measure(seconds=5, min_samples=10)['samples'] == 10
    slow = FakeTime(20.0).measure(seconds=5, min_samples=10)
    assert (slow['samples'], slow['warmup'], slow['warmup_stable']) == (1, 1, False)


def test_a_fast_step_is_not_sampled_without_end():
    assert FakeTime(1e-4).measure(seconds=60)['samples'] == latency.MAX_SAMPLES


def test_what_was_timed_is_recorded():
    found = FakeTime(0.02).measure(seconds=1, batch_size=4, input_shape=(4, 3, 8, 8), channels_last=True)
    assert found['images_per_sec'] == pytest.approx(200)
    assert found['input_shape'] == [4, 3, 8, 8] and found['channels_last'] and found['batch_size'] == 4
    assert found['device'] == 'cpu' and found['tf32'] is None
    assert found['threads'] == torch.get_num_threads()
    assert 'argmax' in found['region'] and 'device tensor' in found['region']


@pytest.mark.parametrize('name', ['seconds', 'min_samples', 'batch_size'])
def test_nothing_to_sample_is_refused(name):
    with pytest.raises(ValueError, match=f'{name} is 0; it must be above 0'):
        FakeTime(1.0).measure(**{'seconds': 1, name: 0})


def test_percentiles_of_a_known_sample():
    found = summarise([0.001 * n for n in range(1, 102)], 1)
    assert [found[key] for key in ('p50_ms', 'p90_ms', 'p95_ms', 'p99_ms')] == pytest.approx([51, 91, 96, 100])


@pytest.mark.parametrize('size', [6, 20, 101])
def test_the_interval_is_the_narrowest_pair_of_order_statistics_that_covers(size):
    """The number of samples below the median is binomial: coverage follows from it alone."""
    found = summarise([0.001 * n for n in range(1, size + 1)], 1)
    low, high = round(found['p50_low_ms']), round(found['p50_high_ms'])
    tail = binom.cdf(low - 1, size, 0.5) + binom.sf(high - 1, size, 0.5)
    assert tail <= 0.05
    assert binom.cdf(low, size, 0.5) > 0.025
    assert low + high == size + 1


@pytest.mark.parametrize('percent', [50, 90, 95, 99])
@pytest.mark.parametrize('size', [*range(1, 40), 71, 72, 367, 368, 1000])
def test_the_intervals_are_those_of_a_quantile_test(size, percent):
    samples = torch.rand(size, generator=torch.Generator().manual_seed(size), dtype=torch.float64).numpy()
    expected = quantile_test(1e3 * samples, q=0.0, p=percent / 100).confidence_interval(0.95)
    found = summarise(samples, 1)
    ends = found[f'p{percent}_low_ms'], found[f'p{percent}_high_ms']
    # One end alone is no interval.
    known = isfinite(expected.low) and isfinite(expected.high)
    assert ends == (pytest.approx((expected.low, expected.high)) if known else (None, None))


def test_too_few_samples_have_no_interval():
    found = summarise([0.1] * 5, 1)
    assert found['p50_low_ms'] is None and found['p50_high_ms'] is None


def tiny_segmentor(out_channels=K, mode='whole'):
    torch.manual_seed(0)
    size = dict(crop_size=(64, 64), stride=(32, 32)) if mode == 'slide' else {}
    config = ConfigDict(
        type='EncoderDecoder',
        backbone=dict(type='ResNetV1c', depth=18, base_channels=4, norm_cfg=dict(type='BN')),
        decode_head=dict(
            type='FCNHead', in_channels=32, in_index=3, channels=8, num_convs=1, norm_cfg=dict(type='BN'),
            num_classes=2 if out_channels == 1 else K, out_channels=out_channels, align_corners=False,
            threshold=0.5 if out_channels == 1 else None,
            loss_decode=dict(type='CrossEntropyLoss', use_sigmoid=out_channels == 1, avg_non_ignore=True)),
        test_cfg=dict(mode=mode, **size))  # fmt: skip
    with DefaultScope.overwrite_default_scope('mmseg'):
        model = MODELS.build(config)
    # Statistics of real activations: with fresh ones every pixel would get the same class.
    for module in model.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.momentum = 1.0
    torch.nn.init.normal_(model.decode_head.conv_seg.weight)
    model.train()(torch.randn(4, 3, 64, 64))
    return model


@pytest.mark.parametrize('mode', ['whole', 'slide'])
@pytest.mark.parametrize('out_channels', [1, K])
def test_the_timed_step_gives_the_evaluated_classes(out_channels, mode):
    model = tiny_segmentor(out_channels, mode)
    images = torch.randn(2, 3, 96, 160)
    found = forward_argmax(model, images)()
    with torch.no_grad():
        evaluated = torch.cat([sample.pred_sem_seg.data for sample in model.predict(images)]).long()
    assert found.shape == (2, 96, 160)
    assert len(found.unique()) > 1
    assert torch.equal(found, evaluated)


def test_the_step_evaluates_and_keeps_nothing():
    model = tiny_segmentor().train()
    step = forward_argmax(model, torch.randn(1, 3, 32, 32))
    first = step()
    assert not model.training
    assert torch.equal(step(), first)


def test_precision_is_fp32_or_bf16():
    model = tiny_segmentor()
    images = torch.randn(1, 3, 64, 64)
    agree = forward_argmax(model, images)() == forward_argmax(model, images, 'bf16')()
    assert agree.float().mean() > 0.9
    with precision_context('cpu', 'bf16'):
        assert (images.flatten(1) @ images.flatten(1).T).dtype == torch.bfloat16
    with pytest.raises(ValueError, match="'fp16'; choose fp32 or bf16"):
        precision_context('cpu', 'fp16')


def batches(speeds, fits=10**9):
    def measure(size):
        if size > fits:
            raise torch.OutOfMemoryError
        return {'batch_size': size, 'images_per_sec': speeds[size]}

    return measure


def test_the_best_batch_is_where_the_throughput_stops_growing():
    speeds = {1: 10, 2: 18, 4: 30, 8: 31, 16: 90}
    assert best_batch(batches(speeds), 64)['batch_size'] == 8
    assert best_batch(batches(speeds), 2)['batch_size'] == 2
    assert best_batch(batches(speeds, fits=2), 64)['batch_size'] == 2
    assert best_batch(batches({1: 10, 2: 9}), 64)['batch_size'] == 1
    with pytest.raises(torch.OutOfMemoryError):
        best_batch(batches(speeds, fits=0), 64)


@pytest.mark.parametrize(('message', 'short'), [('CUDNN_STATUS_ALLOC_FAILED', True), ('shapes do not match', False)])
def test_what_fails_ends_the_search_for_a_batch_and_is_told_unless_memory_was_short(message, short):
    def measure(size):
        if size > 1:
            raise RuntimeError(message)
        return {'batch_size': size, 'images_per_sec': 10}

    found = best_batch(measure, 64)
    assert found['batch_size'] == 1
    assert found.get('search_ended_by') == (None if short else f'batch 2: {message}')
