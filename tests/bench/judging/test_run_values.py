import pytest

from bench.judging.run_values import (
    COUNTED,
    counted_value,
    lacking_weights,
    latency_error,
    memory_bytes,
    run_value,
    timed_error,
)
from bench.records import Receipt


def receipt(**blocks):
    head = dict(schema_version=1, id='toy/a/run', report='toy', experiment='toy/a', dataset='camvid', budget='short')
    return Receipt(**head, seed=0, status='ok', reason='', key='k', **blocks)


@pytest.fixture
def run():
    return receipt(
        metrics={'miou': 40.0, 'pixel_accuracy': 80.0, 'per_class_iou': {'car': 30.0, 'pole': None}},
        train_metrics={'miou': 46.0, 'pixel_accuracy': 85.0},
        validation={'last_miou': 41.0},
        train={'wall_sec': 120.0, 'epochs': 4.0, 'sec_per_step': 0.25},
        latency={'p50_ms': 12.0, 'p50_low_ms': 11.02, 'p50_high_ms': 12.98, 'contended': False},
        run_cost={'params': 25_000_000},
        memory={
            'train_peak_bytes': 3_400_000_000,
            'train': {'allocated_bytes': None, 'process_growth_bytes': 2_900_000_000},
            'inference': {'allocated_bytes': None, 'process_growth_bytes': 400_000_000},
        },
    )


@pytest.mark.parametrize(
    ('metric', 'expected'),
    [
        ('miou', 40.0),
        ('pixel_accuracy', 80.0),
        ('iou.car', 30.0),
        ('iou.pole', None),
        ('iou.bus', None),
        ('train_miou', 46.0),
        ('train_pixel_accuracy', 85.0),
        ('val_miou', 41.0),
        ('generalisation_gap', 6.0),
        ('class_accuracy', None),
        ('sec_per_step', 0.25),
        ('sec_per_epoch', 30.0),
        ('latency_ms', 12.0),
        ('train_memory_gb', 3.0),
        ('inference_memory_gb', 0.5),
    ],
)
def test_values(run, metric, expected):
    assert run_value(metric, run) == expected


def test_memory_is_the_networks_own_and_not_that_of_the_program_around_it():
    cost = {'params': 1_000}
    process = {'inference': {'process_peak_bytes': 10**9, 'process_growth_bytes': 500, 'allocated_bytes': None}}
    assert memory_bytes(process, 'inference', cost) == 4_500
    assert memory_bytes(process, 'train', cost) is None
    assert (
        memory_bytes({'inference': {'process_growth_bytes': 9, 'allocated_bytes': 7_000}}, 'inference', cost) == 7_000
    )
    assert memory_bytes({'inference': {'process_growth_bytes': None}}, 'inference', cost) is None
    assert memory_bytes(None, 'inference', cost) is None


def test_an_empty_receipt_has_no_value():
    for metric in ('miou', 'iou.car', 'train_miou', 'generalisation_gap', 'sec_per_epoch', 'latency_ms'):
        assert run_value(metric, receipt()) is None
    assert run_value('train_memory_gb', receipt()) is None


def test_times_on_a_shared_device_are_not_compared_but_scores_and_memory_are(run):
    run.contended = True
    times = ('sec_per_step', 'sec_per_epoch', 'latency_ms')
    assert [run_value(metric, run) for metric in times] == [None, None, 12.0], 'a latency is taken alone and watched'
    assert (run_value('miou', run), run_value('train_memory_gb', run)) == (40.0, 3.0)
    run.contended, run.latency['contended'] = False, True
    assert (run_value('latency_ms', run), run_value('sec_per_step', run)) == (None, 0.25)
    run.latency['contended'], run.environment = False, {'others_at_work': True}
    assert [run_value(metric, run) for metric in times] == [None, None, 12.0]


def test_the_error_of_a_median_is_a_quarter_of_its_interval(run):
    assert latency_error(run.latency) == pytest.approx(0.5)
    assert latency_error({'p50_ms': 3.0, 'p50_low_ms': None, 'p50_high_ms': None}) is None


def test_parts_that_were_timed_once_have_one_error():
    part = {'steps': 10, 'p50_ms': 1000.0, 'p50_low_ms': 902.0, 'p50_high_ms': 1098.0, 'samples': 10}
    [once, twice] = [{'training': {'parts': [part] * count}} for count in (1, 2)]
    assert timed_error('sec_per_step', once) == timed_error('sec_per_step', twice) == pytest.approx(0.05)
    other = {'training': {'parts': [part, {**part, 'p50_ms': 1001.0}]}}
    assert timed_error('sec_per_step', other) == pytest.approx(0.05 / 2**0.5)


def test_counts_are_in_the_units_of_claims():
    row = {
        'cost': {'flops': 133.9e9, 'macs': 66.95e9, 'params': 15_300_000},
        'training': {'macs': 30e9, 'macs_trunk': 20e9},
    }
    expected = {
        'gflops': 133.9,
        'gmacs': 66.95,
        'params_millions': 15.3,
        'training_gmacs': 30.0,
        'training_gmacs_trunk': 20.0,
    }
    assert {metric: counted_value(metric, row) for metric in COUNTED} == pytest.approx(expected)
    assert counted_value('training_gmacs', {'cost': row['cost']}) is None


@pytest.mark.parametrize(
    ('init', 'lacking'),
    [
        ({'documented': 'resnet50-imagenet', 'used': 'random'}, 'resnet50-imagenet'),
        ({'documented': 'resnet50-imagenet', 'used': 'resnet50-imagenet'}, ''),
        ({'documented': 'random', 'used': 'random'}, ''),
        ({'documented': None, 'used': 'random'}, ''),
        (None, ''),
    ],
)
def test_weights_that_a_run_did_without(init, lacking):
    assert lacking_weights(receipt(init=init)) == lacking


def test_a_run_lacks_what_those_that_it_starts_from_lacked():
    begun = receipt(init={'documented': 'resnet50-imagenet', 'used': 'random'})
    middle = receipt(init={'documented': 'random', 'used': 'random', 'start': [{'parent': 'toy/begun'}]})
    last = receipt(
        init={'documented': None, 'used': 'random', 'start': [{'parent': 'toy/gone'}, {'parent': 'toy/middle'}]}
    )
    runs = {('toy/begun', begun.seed): begun, ('toy/middle', begun.seed): middle}
    assert lacking_weights(last, runs) == 'resnet50-imagenet'
    assert lacking_weights(last) == ''
    runs['toy/begun', begun.seed] = receipt(init={'documented': 'resnet50-imagenet', 'used': 'resnet50-imagenet'})
    assert lacking_weights(last, runs) == ''
