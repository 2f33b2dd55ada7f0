from dataclasses import replace

import pytest

from bench import budgets, forecast
from bench.records import Run

RUN = Run('r/a', 'camvid', (180, 240), 'short', 0.1, 0)
COUNTED = forecast.Footprint(
    params=1_000_000,
    macs_image=10**9,
    macs_crop=10**9,
    batch_bytes=400_000_000,
    micro_batch=4,
    steps=1000,
    batch_size=4,
)
IMAGES = {'train': 100, 'val': 10, 'test': 50}
RULE = budgets.rule('short')


def test_twice_the_steps_take_about_twice_the_time():
    once = forecast.forecast(COUNTED, RUN, RULE, IMAGES, 1, {})
    twice = forecast.forecast(replace(COUNTED, steps=2000), RUN, RULE, IMAGES, 1, {})
    assert twice.wall_sec / once.wall_sec == pytest.approx(2, rel=0.1)
    assert twice.memory_bytes == once.memory_bytes


def test_a_measured_speed_replaces_the_assumed_one():
    assumed = forecast.forecast(COUNTED, RUN, RULE, IMAGES, 1, {})
    speed = forecast.DEFAULT_MACS_PER_SEC['cpu', 'fp32'] * 10
    measured = forecast.forecast(COUNTED, RUN, RULE, IMAGES, 1, {('cpu', 'fp32'): speed})
    assert measured.wall_sec < assumed.wall_sec / 4


def test_a_batch_that_fits_is_not_split():
    assert forecast.micro_batches(COUNTED, 4 * 10**9) == 1


def test_a_batch_that_does_not_fit_is_split_into_equal_parts():
    limit = forecast.PROCESS_BYTES + 16_000_000 + 210_000_000
    assert forecast.micro_batches(COUNTED, limit) == 2


def test_a_part_never_holds_a_single_image():
    assert forecast.micro_batches(COUNTED, 0) == 2
    assert forecast.micro_batches(replace(COUNTED, batch_size=1), 0) == 1
    assert forecast.micro_batches(replace(COUNTED, batch_size=3), 0) == 1
