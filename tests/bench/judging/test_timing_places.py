"""Records of ``run_all --cost`` as evidence."""

import pytest

from bench.claims import Check, Claim
from bench.judging.judge import verdicts
from bench.judging.samples import Case
from bench.judging.timing_places import timing_places

CLAIM = Claim('X01', 's', '1', ('toy/a', 'toy/b'), 'timed', 'h')


def timing(name, device='cpu', p50=10.0, **latency):
    block = {'p50_ms': p50, 'p50_low_ms': p50 - 0.98, 'p50_high_ms': p50 + 0.98, 'contended': False, **latency}
    blocks = {'memory': {'inference': {'process_growth_bytes': 10**9 - 4}}, 'cost': {'params': 1}}
    record = {'experiment': f'toy/{name}', 'device': device, 'precision': 'fp32', 'latency': block, **blocks}
    return record | {'environment': {'device_name': 'H200' if device != 'cpu' else None}}


def test_timings_at_the_documented_size_are_places_of_their_own():
    gpu, cpu = timing_places([timing('a'), timing('b', p50=20.0), timing('a', 'cuda:0')])
    assert gpu.circumstances(CLAIM).label == 'H200, fp32, documented sizes'
    assert cpu.circumstances(CLAIM).label == 'cpu, fp32, documented sizes'
    assert (gpu.circumstances(CLAIM).on_gpu, cpu.circumstances(CLAIM).on_gpu) == (True, False)
    assert gpu.circumstances(CLAIM).rank < cpu.circumstances(CLAIM).rank
    sample = cpu.sample(('latency_ms', 'toy/b', ''))
    assert (dict(sample.values), sample.errors[0]) == ({0: 20.0}, pytest.approx(0.5))
    assert cpu.sample(('inference_memory_gb', 'toy/a', '')).values == {0: 1.0}
    assert gpu.sample(('latency_ms', 'toy/b', '')).reason == 'toy/b was not timed on H200'


def on(record, cpu, threads):
    return record | {'environment': {**record['environment'], 'cpu': cpu, 'threads': threads}}


def test_each_processor_and_number_of_threads_is_a_place_of_its_own():
    records = [
        on(timing('a', p50=500.0), 'Atom', 1),
        on(timing('b', p50=20.0), 'EPYC', 64),
        on(timing('a', p50=30.0), 'EPYC', 64),
        on(timing('a', p50=90.0), 'EPYC', 2),
        on(timing('a', 'cuda:0', p50=1.0), 'EPYC', 64),
    ]
    for order in (records, records[::-1]):
        places = list(timing_places(order))
        assert [place.circumstances(CLAIM).label for place in places] == [
            'H200 on EPYC, 64 threads, fp32, documented sizes',
            'EPYC, 64 threads, fp32, documented sizes',
            'Atom, 1 thread, fp32, documented sizes',
            'EPYC, 2 threads, fp32, documented sizes',
        ]
        ranks = [place.circumstances(CLAIM).rank for place in places]
        assert ranks == sorted(ranks)
        found = [place.sample(('latency_ms', 'toy/a', '')).values[0] for place in places]
        assert found == [1.0, 30.0, 500.0, 90.0]
    assert places[2].sample(('latency_ms', 'toy/b', '')).reason == 'toy/b was not timed on Atom, 1 thread'


def test_a_network_timed_for_another_experiment_counts_but_for_its_training():
    [place] = timing_places([trained('a') | {'same_network': ['toy/b']}])
    assert place.sample(('latency_ms', 'toy/b', '')).values == place.sample(('latency_ms', 'toy/a', '')).values
    assert place.sample(('sec_per_step', 'toy/b', '')).obstacle == 'not measured'
    assert 'toy/b' in place.circumstances(CLAIM).as_documented
    [place] = timing_places([timing('a') | {'same_network': ['toy/b']}, timing('b', p50=20.0)])
    assert place.sample(('latency_ms', 'toy/b', '')).values == {0: 20.0}, 'its own timing goes before'


def test_another_size_than_the_documented_one_is_no_evidence():
    assert list(timing_places([timing('a') | {'as_documented': False}])) == []


def test_timings_speak_of_times_alone():
    [place] = timing_places([timing('a', contended=True)])
    assert place.speaks_of([('latency_ms', 'toy/a', ''), ('latency_ms', 'toy/b', '')])
    assert not place.speaks_of([('latency_ms', 'toy/a', ''), ('miou', 'toy/a', '')])
    assert not place.speaks_of([('latency_ms', 'toy/b', '')])
    assert place.sample(('latency_ms', 'toy/a', '')).obstacle == 'not measured'


def trained(name, p50=500.0, steps=10, contended=False, half=98.0, **training):
    """A timing with a training of ``steps`` like steps, and of half as many that take twice as long."""
    short = {'steps': steps, 'p50_ms': p50, 'p50_low_ms': p50 - half, 'p50_high_ms': p50 + half}
    long = {'steps': steps / 2, 'p50_ms': 2 * p50, 'p50_low_ms': 2 * p50 - half, 'p50_high_ms': 2 * p50 + half}
    block = {
        'sec_per_step': (10 * p50 + 5 * 2 * p50) / 15 / 1e3,
        'parts': [short, long],
        'accumulate': 1,
        'reason': '',
        'contended': contended,
        'memory': {'process_growth_bytes': 2 * 10**9 - 4},
    }
    return timing(name) | {'training': {**block, **training}}


def test_training_steps_are_told_with_the_error_of_their_mean():
    [place] = timing_places([trained('a'), timing('b')])
    sample = place.sample(('sec_per_step', 'toy/a', ''))
    assert sample.values == {0: pytest.approx(2 / 3)}
    # Each part is known to 0.05 s: (10 x 0.05, 5 x 0.05) over 15 steps.
    assert sample.errors == {0: pytest.approx((0.5**2 + 0.25**2) ** 0.5 / 15)}
    assert place.sample(('train_memory_gb', 'toy/a', '')).values == {0: 2.0}
    assert place.sample(('sec_per_step', 'toy/b', '')).reason == 'training steps of toy/b were not timed on cpu'
    assert place.speaks_of([('sec_per_step', 'toy/a', '')]) and not place.speaks_of([('sec_per_step', 'toy/b', '')])


def test_steps_beside_other_work_tell_their_memory_alone():
    [place] = timing_places([trained('a', contended=True)])
    assert place.sample(('sec_per_step', 'toy/a', '')).reason.startswith('toy/a was only timed while others shared')
    assert place.sample(('train_memory_gb', 'toy/a', '')).values == {0: 2.0}


def test_what_did_not_fit_needs_more_than_the_device_has():
    told = 'OutOfMemoryError: GPU 0 has a total capacity of 16.00 GiB of which'
    [place] = timing_places([timing('a') | {'training': {'reason': told, 'parts': []}}])
    sample = place.sample(('train_memory_gb', 'toy/a', ''))
    assert (sample.obstacle, sample.floor) == ('failed', pytest.approx(16 * 2**30 / 1e9))
    assert place.sample(('sec_per_step', 'toy/a', '')).floor is None


def judged(*records, check):
    [place] = timing_places(records)
    claim = Claim('X01', 's', '1', ('toy/a', 'toy/b'), 'timed', 'h', (check,))
    keys = [(check.metric, name, '') for name in (check.of, *check.than)]
    [verdict] = verdicts([Case(claim, place.circumstances(claim), {key: place.sample(key) for key in keys})])
    return verdict


def test_a_claim_about_the_time_of_training_is_judged_by_steps():
    check = Check('sec_per_step', 'ratio_at_least', 'toy/a', ('toy/b',), 1.5)
    slow, quick = trained('a', p50=2000.0), trained('b', p50=500.0)
    assert judged(slow, quick, check=check).answer == 'reproduced'
    assert judged(trained('a'), quick, check=check).answer == 'contradicted'
    assert judged(trained('a', half=400.0), quick, check=check).answer == 'inconclusive'


def test_batches_that_were_split_differently_are_not_compared():
    check = Check('sec_per_step', 'greater', 'toy/a', ('toy/b',))
    verdict = judged(trained('a', p50=2000.0, accumulate=2), trained('b'), check=check)
    assert verdict.answer == 'not measured' and 'split in 2' in verdict.reason
