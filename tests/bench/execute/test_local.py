"""The engine, with workers that do nothing: what runs together, what waits, what is ended."""

import itertools
import multiprocessing
import os
import signal
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from bench.budgets import rule
from bench.execute import local
from bench.execute.schedule import Place, Schedule
from bench.records import DataSet, Forecast, Job, Run

FAKE = Path(__file__).resolve().parents[1] / 'fake_benchmark'
sys.path.insert(0, str(FAKE))

import fake_workers  # noqa: E402

GIB = 2**30


@pytest.fixture(autouse=True)
def light_server(monkeypatch):
    """A fork server of its own without the heavy imports."""
    made = multiprocessing.get_context('spawn')
    monkeypatch.setattr(local, 'context', lambda: made)
    monkeypatch.setenv('PYTHONPATH', f'{FAKE}{os.pathsep}{os.environ.get("PYTHONPATH", "")}')


def job(name, parents=()):
    run = Run(f'fake/{name}', 'folder', (64, 80), 'smoke', 0.0, 0, parents=parents)
    dataset = DataSet('folder', Path(), (), (), (64, 80), {})
    return Job(run, Path(), dataset, '', {}, rule('smoke'), Path(), 'key', Path())


def carry_out(
    jobs, *, target=fake_workers.brief, places=None, need=1 * GIB, deadline=None, placed=None, take=None, **limits
):
    """Return the outcomes and, for every job, when it started and ended; ``take`` is called with each outcome."""
    spans, outcomes = {}, []
    schedule = Schedule(
        jobs,
        places or [Place('cpu', 2, 8 * GIB)],
        need=lambda job: Forecast(1.0, need, 0),
        parents=lambda job: job.run.parents,
        deadline=deadline,
    )
    engine = local.LocalEngine(
        local.Limits(**{'timeout_sec': lambda job: 60.0, **limits}),
        lambda job, message: spans.setdefault(job.run.experiment, []).append(time.monotonic()),
        target,
        **({'placed': placed} if placed else {}),
    )
    for outcome in engine.run(schedule):
        outcomes.append(outcome)
        if take:
            take(outcome)
    return outcomes, {name: (times[0], times[-1]) for name, times in spans.items()}


def together(spans, first, second):
    return spans[first][0] < spans[second][1] and spans[second][0] < spans[first][1]


def test_two_runs_that_fit_go_on_at_once():
    outcomes, spans = carry_out([job('a'), job('b')])
    assert [outcome.status for outcome in outcomes] == ['ok', 'ok']
    assert together(spans, 'fake/a', 'fake/b')


def test_two_runs_that_do_not_fit_together_go_on_one_after_the_other():
    outcomes, spans = carry_out([job('a'), job('b')], places=[Place('cpu', 2, 3 * GIB)], need=2 * GIB)
    assert [outcome.status for outcome in outcomes] == ['ok', 'ok']
    assert not together(spans, 'fake/a', 'fake/b')


def test_a_run_larger_than_the_memory_is_tried_alone():
    outcomes, _ = carry_out([job('a')], places=[Place('cpu', 2, 1 * GIB)], need=2 * GIB)
    assert [outcome.status for outcome in outcomes] == ['ok']


def test_a_child_waits_for_its_parent_and_is_skipped_when_that_fails():
    parent, child = job('parent'), job('child', ('fake/parent/folder-64x80-smoke-seed0',))

    outcomes, spans = carry_out([child, parent])
    assert [outcome.job.run.experiment for outcome in outcomes] == ['fake/parent', 'fake/child']
    assert spans['fake/child'][0] > spans['fake/parent'][1]

    outcomes, _ = carry_out([child, parent], target=fake_workers.exits)
    assert [(outcome.status, outcome.reason) for outcome in outcomes][1] == (
        'skipped',
        'starts from fake/parent/folder-64x80-smoke-seed0, which ended as crash',
    )


def test_a_worker_that_ends_without_a_word_is_a_crash():
    [outcome], _ = carry_out([job('a')], target=fake_workers.exits)
    assert outcome.status == 'crash'
    assert 'code 3' in outcome.reason
    assert not outcome.stored


def test_what_a_worker_stored_counts_even_if_it_falls_afterwards():
    [outcome], _ = carry_out([job('a')], target=fake_workers.falls_after_its_end)
    assert (outcome.status, outcome.stored) == ('ok', True)


@pytest.mark.parametrize(
    ('limits', 'reason'),
    [({'timeout_sec': lambda job: 1.0}, 'ran longer than 1 s'), ({'stall_sec': 1.0}, 'gave no sign of life for 1 s')],
)
def test_a_hang_is_ended(limits, reason):
    [outcome], _ = carry_out([job('a')], target=fake_workers.silent, **limits)
    assert (outcome.status, outcome.reason) == ('timeout', reason)


def test_nothing_starts_that_would_end_after_the_deadline():
    [outcome], spans = carry_out([job('a')], deadline=time.monotonic() + 0.5)
    assert outcome.status == 'skipped'
    assert not spans


@pytest.fixture
def handled():
    """Both signals are handled as Ctrl-C is; a shell that starts the tests in the background would ignore it."""
    kept = {one: signal.signal(one, signal.default_int_handler) for one in (signal.SIGINT, signal.SIGTERM)}
    yield tuple(kept)
    for one, handler in kept.items():
        signal.signal(one, handler)


@pytest.mark.parametrize('asked', [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_while_an_outcome_is_taken_lets_the_others_save(tmp_path, handled, asked):
    """And what is handled as Ctrl-C, as the command does with the end of its time in a batch system."""
    taken = []

    def take(outcome):
        taken.append((outcome.job.run.experiment, outcome.status, outcome.stored))
        if outcome.status == 'ok':
            signal.raise_signal(asked)
            taken.append('to its end')

    jobs = [replace(job(name), results=tmp_path) for name in 'abc']
    with pytest.raises(KeyboardInterrupt):
        carry_out(jobs, target=fake_workers.saves_when_asked, take=take)
    assert {signal.getsignal(one) for one in handled} == {signal.default_int_handler}
    assert taken == [
        ('fake/a', 'ok', True),
        'to its end',
        ('fake/b', 'interrupted', True),
        ('fake/c', 'interrupted', False),
    ]


def test_the_second_ctrl_c_ends_all_at_once(tmp_path, handled):
    def take(outcome):
        signal.raise_signal(signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
        raise KeyboardInterrupt

    jobs = [replace(job(name), results=tmp_path) for name in 'ab']
    with pytest.raises(KeyboardInterrupt):
        carry_out(jobs, target=fake_workers.saves_when_asked, take=take)
    assert not [one for one in multiprocessing.active_children() if one.is_alive()]


def test_ctrl_c_that_is_ignored_stays_so():
    """As in what a shell starts in the background."""
    kept = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        [outcome], _ = carry_out([job('a')], take=lambda outcome: signal.raise_signal(signal.SIGINT))
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, kept)
    assert outcome.status == 'ok'


def on_device(job, device):
    return replace(job, run=replace(job.run, device=device))


def test_every_device_has_its_own_slots_and_the_worker_is_told_which_is_its(tmp_path):
    """Four runs on two devices of one slot each: never two on one device, always two at once."""
    jobs = [replace(job(name), results=tmp_path) for name in 'abcd']
    gpus = [Place('cuda:0', 1, 8 * GIB), Place('cuda:1', 1, 8 * GIB)]
    outcomes, spans = carry_out(jobs, places=gpus, placed=on_device, target=fake_workers.tells_its_device)
    assert [outcome.status for outcome in outcomes] == ['ok'] * 4
    used = {name: (tmp_path / name).read_text() for name in 'abcd'}
    assert sorted(used.values()) == ['cuda:0', 'cuda:0', 'cuda:1', 'cuda:1']
    for first, second in itertools.combinations('abcd', 2):
        if used[first] == used[second]:
            assert not together(spans, f'fake/{first}', f'fake/{second}')
    assert together(spans, 'fake/a', 'fake/b')


def test_time_that_a_run_stands_aside_is_not_counted_against_it():
    # Longer than it takes to start a process on a busy machine.
    [outcome], _ = carry_out([job('a')], target=fake_workers.stands_aside, timeout_sec=lambda job: 3.0)
    assert outcome.status == 'ok'
    [outcome], _ = carry_out([job('a')], target=fake_workers.silent, timeout_sec=lambda job: 1.0)
    assert outcome.status == 'timeout'


@pytest.mark.parametrize(
    ('asked', 'spins'), [({}, str(local.SPINS)), ({'GOMP_SPINCOUNT': '7'}, '7'), ({'OMP_WAIT_POLICY': 'active'}, None)]
)
def test_waiting_threads_give_way_unless_the_user_says_how_they_wait(monkeypatch, asked, spins):
    monkeypatch.undo()
    for name in ('GOMP_SPINCOUNT', 'OMP_WAIT_POLICY', 'PYTORCH_NVML_BASED_CUDA_CHECK'):
        # Set first, so that what ``context`` sets is taken back as well.
        monkeypatch.setenv(name, '')
        monkeypatch.delenv(name)
    for name, value in asked.items():
        monkeypatch.setenv(name, value)
    local.context()
    assert os.environ.get('GOMP_SPINCOUNT') == spins
