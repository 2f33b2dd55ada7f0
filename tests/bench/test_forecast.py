from dataclasses import replace

import pytest

from bench import budgets, forecast
from bench.records import Receipt, Run

RUN = Run('r/a', 'camvid', (180, 240), 'short', 0.1, 0)
COUNTED = forecast.Footprint(
    params=1_000_000,
    macs_image=10**9,
    macs_crop=10**9,
    batch_bytes=400_000_000,
    micro_batch=4,
    crop_pixels=100 * 100,
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


def test_the_experiments_own_speed_comes_before_that_of_others():
    usual, own = 1e10, 1e9
    speeds = {('cpu', 'fp32'): usual, ('r/a', 'cpu', 'fp32'): own, ('r/b', 'cpu', 'fp32'): 5e12}
    slow = forecast.forecast(COUNTED, RUN, RULE, IMAGES, 1, speeds).wall_sec
    other = forecast.forecast(COUNTED, replace(RUN, experiment='r/c'), RULE, IMAGES, 1, speeds).wall_sec
    assert slow > 5 * other


def test_a_batch_that_fits_is_not_split():
    assert forecast.micro_batches(COUNTED, 'cpu', 4 * 10**9) == 1


def test_a_batch_that_does_not_fit_is_split_into_equal_parts():
    limit = forecast.PROCESS_BYTES + 16_000_000 + 210_000_000
    assert forecast.micro_batches(COUNTED, 'cpu', limit) == 2
    on_card = limit - forecast.PROCESS_BYTES + forecast.CONTEXT_BYTES
    assert forecast.micro_batches(COUNTED, 'cuda:0', on_card) == 2
    assert forecast.micro_batches(COUNTED, 'cuda:0', limit) == 1, 'a card holds no process'


def test_a_part_never_holds_a_single_image():
    assert forecast.micro_batches(COUNTED, 'cpu', 0) == 2
    assert forecast.micro_batches(replace(COUNTED, batch_size=1), 'cpu', 0) == 1
    assert forecast.micro_batches(replace(COUNTED, batch_size=3), 'cpu', 0) == 1


MIB = 2**20
STATES = 4 * COUNTED.params * 3
"""Gradients and Adam's two moments."""


def receipt(run=RUN, status='ok', size=(100, 100), batch=4, growth=800 * MIB, held=700 * MIB, classes=11, **memory):
    """What a run leaves whose process held ``held`` bytes before training and ``growth`` more at its peak."""
    peak = {'peak_bytes': held + growth, 'process_growth_bytes': growth, 'input_shape': [batch, 3, *size], **memory}
    return Receipt(
        schema_version=1,
        id=run.folder,
        report='r',
        experiment=run.experiment,
        dataset=run.dataset,
        budget=run.budget,
        seed=run.seed,
        status=status,
        reason='',
        key='',
        precision=run.precision,
        memory={'train': peak},
        cost={'params': COUNTED.params},
        data={'classes': [str(index) for index in range(classes)]},
        environment={'device': run.device, 'threads': 1},
    )


def memory(*receipts, run=RUN, counted=COUNTED, classes=11, parts=1):
    measured = forecast.Measured()
    for one in receipts:
        measured.add(one)
    return measured.memory_bytes(counted, run, classes, parts)


def test_a_measured_peak_is_the_next_forecast_of_an_equal_run():
    next_seed = replace(RUN, seed=1)
    assert memory(receipt(), run=next_seed) == int(forecast.SAME_AGAIN * 1500 * MIB)
    assert memory(receipt(), receipt(growth=900 * MIB), receipt(), run=next_seed) == int(1.05 * 1600 * MIB)


def test_only_what_grows_with_the_batch_is_scaled_down():
    """Half the batch: the activations are halved, what the process held, gradients and moments are not."""
    half = memory(receipt(), counted=replace(COUNTED, micro_batch=2), parts=1)
    fixed = 700 * MIB + STATES
    assert half == pytest.approx(1.05 * (fixed + (800 * MIB - STATES) / 2), rel=1e-6)
    assert memory(receipt(), parts=2) == half, 'a split batch is a smaller one'


def test_a_larger_batch_is_never_forecast_below_what_was_counted():
    double = replace(COUNTED, micro_batch=8, batch_bytes=4_000_000_000)
    assert memory(receipt(), counted=double) == forecast.peak_bytes(double, RUN)
    double = replace(double, batch_bytes=400_000_000)
    assert memory(receipt(), counted=double) > 1.05 * (700 + 800) * MIB


@pytest.mark.parametrize(
    'other',
    [
        receipt(size=(10, 10)),
        receipt(size=(1000, 100)),
        receipt(classes=19),
        receipt(replace(RUN, precision='bf16')),
        receipt(replace(RUN, device='cuda')),
        receipt(replace(RUN, experiment='r/b')),
        receipt(status='crash'),
    ],
)
def test_what_is_too_different_says_nothing(other):
    assert memory(other) == forecast.peak_bytes(COUNTED, RUN)


def test_the_nearest_of_several_batches_is_scaled():
    near, far = receipt(size=(90, 100)), receipt(size=(50, 100), growth=2000 * MIB)
    assert memory(near, far) == memory(far, near) == memory(near)


def test_on_a_gpu_all_that_the_allocator_took_counts_and_the_context_too():
    run = replace(RUN, device='cuda:1')
    stored = receipt(replace(RUN, device='cuda:0'), peak_bytes=500 * MIB, reserved_bytes=900 * MIB)
    assert memory(stored, run=run) == int(1.05 * (900 * MIB + forecast.CONTEXT_BYTES))


def test_a_run_without_memory_is_given_more_than_it_had_and_others_are_not():
    refused = replace(receipt(status='oom'), memory={'admitted_bytes': 10**9})
    assert memory(refused) == int(1.5 * forecast.peak_bytes(COUNTED, RUN)), 'counted 1.3e9 by now'
    refused = replace(refused, memory={'admitted_bytes': 4 * 10**9})
    assert memory(refused) == 6 * 10**9
    assert memory(refused, run=replace(RUN, seed=1)) == forecast.peak_bytes(COUNTED, RUN)
    assert memory(replace(refused, memory=None)) == int(1.5 * forecast.peak_bytes(COUNTED, RUN))


def test_a_run_without_memory_that_had_all_there_is_has_its_batch_split():
    limit = forecast.peak_bytes(COUNTED, RUN) + 10 * MIB
    measured = forecast.Measured()
    assert forecast.micro_batches(measured.after_oom(COUNTED, RUN, 11, 1), 'cpu', limit) == 1
    measured.add(replace(receipt(status='oom'), memory={'admitted_bytes': limit}))
    assert forecast.micro_batches(measured.after_oom(COUNTED, RUN, 11, 1), 'cpu', limit) == 2


def test_a_peak_that_fitted_does_not_change_the_split():
    measured = forecast.Measured()
    measured.add(receipt(growth=5000 * MIB))
    assert measured.after_oom(COUNTED, RUN, 11, 1) == COUNTED


def test_speeds_are_medians_by_device_and_precision():
    def timed(sec, run=RUN):
        return replace(
            receipt(run),
            train={'input_size': [50, 50], 'batch_size': 4, 'sec_per_step': sec},
            run_cost={'macs': 10**9, 'input_shape': [3, 100, 100]},
        )

    measured = forecast.Measured()
    for sec in (1.0, 2.0, 30.0):
        measured.add(timed(sec))
    speed = 3 * 10**9 / 4 * 4
    measured.add(timed(1.5, replace(RUN, experiment='r/b')))
    # A smoke run says something of the machine, not of its network.
    measured.add(timed(40.0, replace(RUN, budget='smoke')))
    expected = {('cpu', 'fp32'): speed / 2, ('r/a', 'cpu', 'fp32'): speed / 2, ('r/b', 'cpu', 'fp32'): speed / 1.5}
    assert measured.speeds() == pytest.approx(expected)
