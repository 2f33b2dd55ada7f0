from pathlib import Path

import pytest

from bench.render import costs, gather

ALONE, TWO = {'device': 'cpu', 'threads': 1}, {'device': 'cpu', 'threads': 2}


def timed(p50_ms, contended=False, **on):
    return {'p50_ms': p50_ms, 'contended': contended, 'precision': 'bf16', **(on or ALONE)}


@pytest.fixture
def row(catalogue, receipt):
    """A function that makes a row of runs, a receipt's blocks for each."""

    def make(*runs, name='toy/base', judged=None):
        made = [receipt(name, seed=seed, **changes) for seed, changes in enumerate(runs)]
        rows = gather.rows([(Path(one.id), one) for one in made], catalogue, judged)
        return next(one for one in rows if one.experiment == name)

    return make


def test_a_latency_is_the_median_over_the_seeds(row):
    found = costs.latency(row(*({'latency': timed(value)} for value in (60.0, 69.0, 61.0))))
    assert (found.p50_ms, found.contended) == (61.0, False)
    assert found.apparatus == 'Some CPU, 1 thread, bf16'


def test_what_was_timed_beside_other_runs_counts_only_where_nothing_else_was(row):
    both = row({'latency': timed(90.0, True)}, {'latency': timed(95.0, True)}, {'latency': timed(60.0)})
    assert costs.latency(both) == costs.Latency(60.0, 'Some CPU, 1 thread, bf16', False)
    assert 'contended' not in both.marks
    shared = row({'latency': timed(90.0, True)})
    assert costs.latency(shared).contended
    assert 'contended' in shared.marks
    assert costs.latency(row({'latency': None})) is None


def test_seeds_on_other_threads_are_never_averaged(row):
    found = costs.latency(row({'latency': timed(30.0, **TWO)}, *({'latency': timed(v)} for v in (41.0, 43.0))))
    assert (found.p50_ms, found.apparatus) == (42.0, 'Some CPU, 1 thread, bf16')


def test_a_latency_on_something_else_than_the_others_says_so(row):
    rows = [row({'latency': timed(40.0)}), row({'latency': timed(41.0)}), row({'latency': timed(30.0, True, **TWO)})]
    usual = costs.usual(rows)
    assert usual == 'Some CPU, 1 thread, bf16'
    assert [costs.aside(costs.latency(one), usual) for one in rows] == [[], [], ['2 threads', 'contended']]
    assert costs.usual([]) == ''


def test_the_peak_of_a_process_that_gave_memory_back_is_not_told(row):
    kept, gave = ({'device': 'cpu', **more} for more in ({'keeps_freed_memory': False}, {}))
    assert costs.memory(row({'environment': kept}), 'train') == 3 * 2**30
    assert costs.memory(row({'environment': gave}), 'train') is None
    assert costs.memory(row({'environment': gave}, {'environment': kept}), 'inference') == 2**29
    assert costs.memory(row({'environment': {'device': 'cuda:0'}}), 'inference') == 2**29


def test_a_training_beside_others_counts_only_where_nothing_else_does(row):
    blocks = [
        {'train': {'wall_sec': seconds}, 'contended': shared} for seconds, shared in ((90.0, True), (60.0, False))
    ]
    assert costs.training_time(row(*blocks)) == (60.0, False)
    assert costs.training_time(row(blocks[0])) == (90.0, True)
    assert costs.training_time(row({'train': None})) == (None, False)


def test_what_is_counted_is_known_without_a_run(row, judged, catalogue):
    [idle] = [one for one in gather.rows([], catalogue, judged) if one.experiment == 'toy/idle']
    assert costs.counted(idle, 'flops') == 7e9
    assert costs.counted(row({}, judged=judged), 'flops') == 10.1e9
    assert costs.share_of_documented(row({}, judged=judged)) == pytest.approx(0.1)
    assert costs.share_of_documented(idle) is None
