from pathlib import Path

import pytest

from bench.budgets import rule
from bench.execute.local import Outcome
from bench.progress import Progress, duration
from bench.records import DataSet, Forecast, Job, Run


def job(name, seed=0):
    dataset = DataSet('folder', Path(), (), (), (64, 80), {})
    return Job(
        Run(f'fake/{name}', 'folder', (64, 80), 'smoke', 0.0, seed),
        Path(),
        dataset,
        '',
        {},
        rule('smoke'),
        Path(),
        'k',
        Path(),
    )


def test_a_log_gets_one_plain_line_a_run_with_what_is_left(capsys):
    first, second = job('a'), job('b')
    with Progress({one.run.folder: Forecast(60.0, 0, 0) for one in (first, second)}, jobs=1) as progress:
        progress.event(first, {'kind': 'start'})
        progress.event(first, {'kind': 'step', 'step': 1, 'of': 8, 'loss': 2.0})
        progress.ended(Outcome(first, 'crash', 'the network broke', True))
    said = capsys.readouterr().err
    assert '[1/2] crash' in said
    assert 'the network broke' in said
    assert 'about 60 s left' in said
    assert '\x1b' not in said


def test_of_a_hundred_skipped_runs_a_few_are_shown_and_the_rest_counted(capsys):
    jobs = [job(f'n{i}') for i in range(100)]
    with Progress({one.run.folder: Forecast(60.0, 0, 0) for one in jobs}, jobs=1) as progress:
        for one in jobs:
            progress.ended(Outcome(one, 'skipped', 'would end after --max-minutes', False))
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 4
    assert lines[2].startswith('[3/100] skipped      fake/n2')
    assert lines[3].startswith('... and 97 more skipped')


def test_what_is_left_shrinks_with_the_steps():
    one = job('a')
    progress = Progress({one.run.folder: Forecast(100.0, 0, 0)}, jobs=2)
    progress.event(one, {'kind': 'start'})
    before = progress._eta_sec()
    progress.event(one, {'kind': 'step', 'step': 3, 'of': 4, 'loss': 2.0})
    assert before == pytest.approx(100), 'two jobs are no help to a single run'
    assert progress._eta_sec() == pytest.approx(25)


def test_what_is_left_is_shared_by_the_jobs():
    jobs = [job(name) for name in 'abc']
    progress = Progress({one.folder: Forecast(100.0, 0, 0) for one in jobs}, jobs=2)
    progress.event(jobs[0], {'kind': 'start'})
    assert progress._eta_sec() == pytest.approx(150)


def ended(progress, one, spent_sec, monkeypatch):
    """Let a run start and end ``spent_sec`` later."""
    now = [0.0]
    monkeypatch.setattr('bench.progress.time.monotonic', lambda: now[0])
    progress.event(one, {'kind': 'start'})
    now[0] = spent_sec
    progress.ended(Outcome(one, 'ok', '', True))


def test_one_brief_run_that_took_nine_times_its_forecast_changes_little(monkeypatch):
    brief, long, waiting = job('a'), job('b'), job('c')
    forecasts = {brief.folder: 10.0, long.folder: 190.0, waiting.folder: 100.0}
    progress = Progress({name: Forecast(sec, 0, 0) for name, sec in forecasts.items()}, jobs=1)
    ended(progress, brief, 90.0, monkeypatch)
    ended(progress, long, 190.0, monkeypatch)
    assert progress._eta_sec() == pytest.approx(100 * 280 / 200)


def test_another_seed_takes_as_long_as_the_first(monkeypatch):
    seeds = [job('a', seed) for seed in range(4)]
    other = job('b')
    progress = Progress({one.folder: Forecast(10.0, 0, 0) for one in (*seeds, other)}, jobs=1)
    ended(progress, seeds[0], 50.0, monkeypatch)
    assert progress._eta_sec() == pytest.approx(3 * 50 + 10 * 5)
    ended(progress, seeds[1], 30.0, monkeypatch)
    assert progress._eta_sec() == pytest.approx(2 * 30 + 10 * 4)
    progress.ended(Outcome(seeds[2], 'skipped', '', False))
    assert progress._eta_sec() == pytest.approx(1 * 30 + 10 * 4)
    progress.event(seeds[3], {'kind': 'start'})
    progress.event(other, {'kind': 'start'})
    assert progress._waiting.sec() == pytest.approx(0)


@pytest.mark.parametrize(('sec', 'text'), [(48, '48 s'), (720, '12 min'), (12600, '3.5 h')])
def test_durations_fit_a_line(sec, text):
    assert duration(sec) == text
