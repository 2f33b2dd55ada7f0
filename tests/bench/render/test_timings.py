import pytest

from bench.experiments import Catalogue, Documented, Experiment
from bench.render import timings


def timing(name, macs, precision='fp32', contended=False, device=None):
    return {
        'experiment': f'r/{name}',
        'device': 'cpu',
        'precision': precision,
        'cost': {'macs': macs, 'flops': 2 * macs, 'params': 3_000_000, 'input_shape': [3, 375, 1242]},
        'latency': {
            'p50_ms': 12.5, 'p90_ms': 13.0, 'p95_ms': 14.0, 'p99_ms': 15.0, 'images_per_sec': 80.0, 'samples': 20,
            'contended': contended,
        },
        'memory': {'inference': {'allocated_bytes': 2**30}},
        'environment': {'device_name': device, 'cpu': 'Some CPU', 'threads': 2},
    }  # fmt: skip


CATALOGUE = Catalogue(
    {}, {'r/a': Experiment('r/a', 'A', '1', 'R', documented=(Documented('gflops', 2.5, 'G', 'table 1'),))}
)


def test_one_table_a_device_and_precision_cheapest_first():
    made = timings.cost_tables(
        [timing('a', 2e9), timing('b', 1e9), timing('a', 2e9, 'bf16'), timing('a', 2e9, device='Some GPU')], CATALOGUE
    )
    assert [table.title.split('size, ')[1] for table in made] == [
        'bf16, Some CPU, 2 threads', 'fp32, Some CPU, 2 threads', 'fp32, Some GPU',
    ]  # fmt: skip
    assert [row[0] for row in made[1].rows] == ['r/b', 'r/a']
    assert len({table.name for table in made}) == 3


def test_each_size_that_was_asked_for_has_a_table():
    rows = [timing('a', 2e9), timing('a', 1e9) | {'as_documented': False}]
    documented, sized = timings.cost_tables(rows, CATALOGUE)
    assert documented.title.startswith('Cost at the documented size, fp32')
    assert sized.title == 'Cost at 375x1242, fp32, Some CPU, 2 threads' and sized.name == f'{documented.name}-375x1242'
    columns = [dict(zip(table.columns, table.rows[0], strict=True)) for table in (documented, sized)]
    assert [row['Documented GFLOPs'] for row in columns] == ['2.50', '—'], 'documented of another size'


def test_a_network_that_others_have_says_of_how_many_it_speaks():
    one = timing('a', 2e9) | {'same_network': ['r/b', 'r/c']}
    [table] = timings.cost_tables([one], CATALOGUE)
    assert table.rows[0][0] == 'r/a (and 2 more)'
    [table] = timings.cost_tables([one, timing('b', 3e9)], CATALOGUE)
    assert [row[0] for row in table.rows] == ['r/a (and 1 more)', 'r/b'], 'one of them has a row of its own'
    assert timings.frame([one])['same_network'].tolist() == ['r/b r/c']


def test_throughput_and_energy_stand_where_they_were_measured():
    both = timing('a', 2e9) | {
        'throughput': {'batch_size': 8, 'images_per_sec': 300.0},
        'energy': {'joules_per_image': 1.5},
    }
    neither = timing('b', 3e9) | {'energy': {'joules_per_image': None, 'reason': 'no counter'}}
    [table] = timings.cost_tables([both, neither], CATALOGUE)
    first, second = (dict(zip(table.columns, row, strict=True)) for row in table.rows)
    assert (first['Best batch'], first['Images/s there'], first['J/image']) == ('8', '300.00', '1.50')
    assert second['Best batch'] == second['Images/s there'] == second['J/image'] == '—'
    frame = timings.frame([both, neither])
    assert frame['best_batch'].tolist()[0] == 8
    assert frame['joules_per_image'].isna().tolist() == [False, True]


def test_documented_stands_beside_counted_and_contended_is_said():
    [table] = timings.cost_tables([timing('a', 1.25e9, contended=True)], CATALOGUE)
    row = dict(zip(table.columns, table.rows[0], strict=True))
    assert row['Documented GFLOPs'] == row['Counted GFLOPs'] == '2.50'
    assert row['Input (HxW)'] == '375x1242'
    assert row['Latency p50 (ms)'] == '12.5 (contended)'
    assert row['Memory (GiB)'] == '1.00'


def test_percentiles_stand_beside_the_interval_of_the_median():
    one = timing('a', 1e9)
    one['latency'] |= {'p50_low_ms': 12.25, 'p50_high_ms': 12.75, 'samples': 100}
    [table] = timings.cost_tables([one], CATALOGUE)
    row = dict(zip(table.columns, table.rows[0], strict=True))
    assert row['Latency p50 (ms)'] == '12.5 [12.2, 12.8]'
    assert [row[f'{name} (ms)'] for name in ('p90', 'p95', 'p99')] == ['13.0', '14.0', '15.0']
    assert timings.frame([one])['latency_p50_low_ms'].tolist() == [12.25]


def test_how_a_median_came_about_stands_beside_it():
    steady, drifting = timing('a', 1e9), timing('b', 2e9)
    steady['latency'] |= {'samples': 40, 'warmup_stable': True}
    drifting['latency'] |= {'samples': 3, 'warmup_stable': False}
    [table] = timings.cost_tables([steady, drifting], CATALOGUE)
    place = table.columns.index('Samples')
    assert [row[place] for row in table.rows] == ['40', '3 (unsettled)']
    assert timings.frame([steady, drifting])['warmup_stable'].tolist() == [True, False]


def test_the_frame_has_raw_numbers():
    frame = timings.frame([timing('b', 1e9), timing('a', 2e9)])
    assert list(frame['experiment']) == ['r/a', 'r/b']
    assert frame['gmacs'].tolist() == pytest.approx([2.0, 1.0])


def test_nothing_timed_gives_no_table():
    assert timings.cost_tables([], CATALOGUE) == []


@pytest.mark.parametrize(
    ('samples', 'shown'),
    [
        (9, ['—', '—', '—']),
        (10, ['13.0', '—', '—']),
        (20, ['13.0', '14.0', '—']),
        (100, ['13.0', '14.0', '15.0']),
    ],
)
def test_a_percentile_is_told_where_a_sample_lies_beyond_it(samples, shown):
    one = timing('a', 1e9)
    one['latency']['samples'] = samples
    [table] = timings.cost_tables([one], CATALOGUE)
    row = dict(zip(table.columns, table.rows[0], strict=True))
    assert [row[f'p{percent} (ms)'] for percent in (90, 95, 99)] == shown
    assert timings.frame([one])['latency_p99_ms'].tolist() == [15.0]


def trained(name, steps=100, **training):
    part = {
        'steps': steps, 'p50_ms': 1500.0, 'p50_low_ms': 1402.0, 'p50_high_ms': 1598.0, 'samples': 6, 'batch_size': 4,
        'accumulate': 1, 'input_shape': [4, 3, 256, 864],
    }  # fmt: skip
    block = {
        'epochs': 180, 'steps': steps, 'sec_per_step': 1.5, 'images_per_sec': 4 / 1.5, 'wall_sec': 1.5 * steps,
        'accumulate': 1, 'memory': {'allocated_bytes': 2**31}, 'reason': '', 'contended': False, 'parts': [part],
    }  # fmt: skip
    return timing(name, 1e9) | {'training': {**block, **training}}


def test_trainings_have_a_table_of_their_own_beside_what_was_timed_of_them():
    none = timing('b', 2e9) | {'training': None}
    inference, training = timings.cost_tables([trained('a'), none, timing('c', 3e9)], CATALOGUE)
    assert len(inference.rows) == 3 and len(training.rows) == 1
    assert training.title == 'Cost of training as documented, fp32, Some CPU, 2 threads'
    row = dict(zip(training.columns, training.rows[0], strict=True))
    assert (row['Input (HxW)'], row['Batch'], row['Parts of a batch'], row['Kinds of step']) == (
        '256x864',
        '4',
        '1',
        '1',
    )
    # 95 % of the median's own interval.
    assert (row['Step (s)'], row['Samples'], row['Images/s']) == ('1.5 [1.4, 1.6]', '6', '2.67')
    assert (row['Memory (GiB)'], row['Documented epochs'], row['All steps']) == ('2.00', '180', '2.5 min')
    frame = timings.frame([trained('a'), none])
    assert frame['train_sec_per_step'].tolist()[0] == 1.5 and frame['train_sec_per_step'].isna().tolist() == [
        False,
        True,
    ]
    assert frame['train_memory_bytes'].tolist()[0] == 2**31


def test_steps_of_several_kinds_are_told_together():
    [part] = trained('a')['training']['parts']
    larger = part | {'input_shape': [2, 3, 512, 1024], 'batch_size': 2, 'accumulate': 2}
    _, table = timings.cost_tables([trained('a', parts=[part, larger], contended=True)], CATALOGUE)
    row = dict(zip(table.columns, table.rows[0], strict=True))
    assert (row['Input (HxW)'], row['Batch'], row['Parts of a batch']) == ('256x864, 512x1024', '4, 2', '1, 2')
    assert row['Kinds of step'] == '2' and row['Step (s)'].endswith('(contended)')


def test_a_training_that_did_not_fit_says_so():
    [part] = trained('a')['training']['parts']
    ended = timing('a', 1e9) | {'training': {'reason': 'OutOfMemoryError: too little', 'parts': [part]}}
    _, table = timings.cost_tables([ended], CATALOGUE)
    assert dict(zip(table.columns, table.rows[0], strict=True))['Step (s)'] == 'OutOfMemoryError'
