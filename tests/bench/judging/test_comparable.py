import pytest

from bench.judging import comparable
from bench.judging.comparable import apparatus, conditions_of, conflict, is_trained, matched, on_what
from bench.judging.run_values import COUNTED
from bench.judging.samples import Conditions, Sample
from bench.records import Receipt

CPU = Conditions(processor='EPYC', threads=2)


def sample(name, *made, metric='miou'):
    values = {seed: 1.0 + seed for seed in range(len(made))}
    return Sample(f'toy/{name}', metric, values, conditions=dict(enumerate(made)))


def receipt(**blocks):
    return Receipt(1, 'toy/a/v', 'toy', 'toy/a', 'camvid', 'short', 0, 'ok', '', 'k', **blocks)


@pytest.mark.parametrize(
    ('train', 'documented', 'share', 'parts'),
    [
        ({'epochs': 5.0, 'accumulate': 1}, 100, 0.05, 1),
        ({'epochs': 5.0, 'accumulate': 4}, 100, 0.05, 4),
        # The stage that split most decides what the training needed.
        ({'epochs': 5.0, 'accumulate': 1, 'stages': [{'accumulate': 2}, {'accumulate': 1}]}, 10, 0.5, 2),
        ({'epochs': 5.0}, None, None, 1),
        (None, 100, None, 1),
    ],
)
def test_a_receipt_tells_its_share_of_the_documented_epochs_and_how_its_batch_was_split(
    train, documented, share, parts
):
    made = conditions_of(receipt(train=train), documented)
    assert (made.share, made.parts) == (share, parts)


def test_what_was_measured_on_is_named_by_device_processor_and_threads():
    gpu = apparatus({'device': 'cuda:1', 'device_name': 'H200', 'cpu': 'EPYC', 'threads': 4}, {})
    assert gpu == Conditions(device='H200', processor='EPYC', threads=4)
    told = [on_what(one) for one in (gpu, CPU, apparatus({}, {}), Conditions(device='H200'))]
    assert told == ['H200 on EPYC, 4 threads', 'EPYC, 2 threads', 'cpu', 'H200']
    assert apparatus({}, {'device': 'cpu', 'threads': 3}).threads == 3


@pytest.mark.parametrize(
    ('shares', 'fits'),
    [((0.1, 0.1), True), ((0.1, 0.109), True), ((0.1, 0.112), False), ((0.3, 0.1), False), ((0.1, None), True)],
)
def test_shares_may_differ_by_a_tenth(shares, fits):
    first, second = (sample(name, Conditions(share=one)) for name, one in zip('ab', shares, strict=True))
    for pair in ((first, second), (second, first)):
        assert (matched('miou', *pair)[2] == '') == fits


@pytest.mark.parametrize(
    ('share', 'told'),
    [(0.2724, 'a budget factor of 0.28'), (0.15, 'a budget factor of 0.15'), (0.0301, 'a budget factor of 0.031'),
     (0.996, 'a budget factor of 1'), (1.7, 'the full budget')],
)  # fmt: skip
def test_the_budget_that_would_do_is_the_largest_share_rounded_up(share, told):
    first, second = sample('a', Conditions(share=share)), sample('b', Conditions(share=0.02))
    assert matched('miou', first, second)[2].endswith(f'; {told} would do')
    other = sample('c', Conditions(share=0.025))
    assert matched('miou', other, second, [second, first])[2].endswith(f'; {told} would do')


@pytest.mark.parametrize(
    'metric',
    [*sorted(COUNTED), 'latency_ms', 'sec_per_step', 'sec_per_epoch', 'train_memory_gb', 'class_pixel_ratio.a/b'],
)
def test_what_no_training_changes_is_compared_whatever_the_shares(metric):
    assert not is_trained(metric)
    assert conflict(metric, [('toy/a', Conditions(share=0.1)), ('toy/b', Conditions(share=0.9))]) == ''


@pytest.mark.parametrize('metric', ['miou', 'train_miou', 'final_val_loss', 'steps_to_loss', 'iou.car', 'boundary_f'])
def test_what_a_training_changes_is_trained(metric):
    assert is_trained(metric)


ELSEWHERE = {
    'processor': Conditions(processor='Atom', threads=2),
    'threads': Conditions(processor='EPYC', threads=1),
    'device': Conditions(device='H200', processor='EPYC', threads=2),
    'parts': Conditions(processor='EPYC', threads=2, parts=2),
}


@pytest.mark.parametrize(
    ('metric', 'decisive'),
    [
        ('latency_ms', {'processor', 'threads', 'device'}),
        ('sec_per_step', {'processor', 'threads', 'device', 'parts'}),
        ('sec_per_epoch', {'processor', 'threads', 'device', 'parts'}),
        ('train_memory_gb', {'device', 'parts'}),
        ('inference_memory_gb', {'device'}),
        ('miou', set()),
    ],
)
def test_costs_are_compared_between_equals_alone(metric, decisive):
    of = sample('a', CPU, metric=metric)
    refused = {name for name, made in ELSEWHERE.items() if matched(metric, of, sample('b', made))[2]}
    assert refused == decisive
    assert matched(metric, of, sample('b', CPU))[2] == ''


def test_the_reason_names_both_sides():
    of, other = sample('a', CPU), sample('b', ELSEWHERE['processor'])
    assert matched('sec_per_step', of, other)[2] == (
        'the sec_per_step of a was measured on EPYC, 2 threads and that of b on Atom, 2 threads, which cannot be '
        'compared'
    )
    assert matched('train_memory_gb', of, sample('b', ELSEWHERE['parts']))[2] == (
        'the train_memory_gb of a was measured in batches split in 1 and that of b in batches split in 2, '
        'which cannot be compared'
    )


def test_seeds_that_ran_on_one_machine_are_compared_and_the_others_left_out():
    of, other = sample('a', CPU, CPU, CPU), sample('b', CPU, ELSEWHERE['threads'], CPU)
    first, second, reason = matched('sec_per_step', of, other)
    assert (list(first.values), list(second.values), reason) == ([0, 2], [0, 2], '')
    assert list(matched('miou', of, other)[0].values) == [0, 1, 2]


def test_samples_of_which_nothing_is_known_are_taken_to_fit():
    plain = Sample('toy/a', 'latency_ms', {0: 1.0})
    assert matched('latency_ms', plain, sample('b', CPU)) == (plain, sample('b', CPU), '')
    assert comparable.all_matched('miou', [Sample('toy/a', 'gflops', {0: 1.0}, exact=True)]) == ''


def precise(name, values, anew):
    return Sample(name, 'miou', dict(enumerate(values)), precise=anew)


def test_a_difference_that_statistics_of_batch_norm_make_is_told_beside_it():
    slow = precise('toy/slow', (8.0, 10.0), {0: 30.0, 1: 32.0})
    quick = precise('toy/quick', (20.0, 20.0), {0: 21.0, 1: 21.0, 2: 90.0})
    told = comparable.precise_aside(slow, quick)
    assert told == '; with precise batch norm it is 10 instead of -11 points over 2 seeds'
    assert comparable.precise_aside(slow, precise('toy/quick', (20.0,), {0: 21.0})).endswith('over 1 seed')


@pytest.mark.parametrize('anew', [{}, {0: 21.0}, {3: 50.0}])
def test_a_difference_that_stays_or_was_not_scored_so_is_told_as_it_is(anew):
    assert comparable.precise_aside(precise('toy/a', (20.0,), anew), precise('toy/b', (18.0,), {0: 18.5})) == ''
