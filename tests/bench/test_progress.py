from pathlib import Path

import pytest

from bench.budgets import rule
from bench.execute.local import Outcome
from bench.progress import Progress, duration
from bench.records import DataSet, Forecast, Job, Run


def job(name):
    dataset = DataSet('folder', Path(), (), (), (64, 80), {})
    return Job(
        Run(f'fake/{name}', 'folder', (64, 80), 'smoke', 0.0, 0),
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


def test_what_is_left_shrinks_with_the_steps():
    one = job('a')
    progress = Progress({one.run.folder: Forecast(100.0, 0, 0)}, jobs=2)
    progress.event(one, {'kind': 'start'})
    before = progress._eta_sec()
    progress.event(one, {'kind': 'step', 'step': 3, 'of': 4, 'loss': 2.0})
    assert before == pytest.approx(50)
    assert progress._eta_sec() == pytest.approx(12.5)


@pytest.mark.parametrize(('sec', 'text'), [(48, '48 s'), (720, '12 min'), (12600, '3.5 h')])
def test_durations_fit_a_line(sec, text):
    assert duration(sec) == text
