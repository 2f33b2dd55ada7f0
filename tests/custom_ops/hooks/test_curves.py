import time
from types import SimpleNamespace

import pytest
import torch

from bench.running import progress
from custom_ops.hooks import CurveHook, curves


def train(hook, folder, losses):
    """Let ``hook`` see a step for each of ``losses`` and a validation behind the last."""
    wrapper = SimpleNamespace(get_lr=lambda: {'lr': [0.1]})
    runner = SimpleNamespace(work_dir=str(folder), iter=0, optim_wrapper=wrapper)
    hook.before_train(runner)
    for runner.iter, loss in enumerate(losses):
        hook.after_train_iter(runner, runner.iter, outputs={'loss': torch.tensor(loss)})
    runner.iter += 1
    hook.before_val(runner)
    hook.after_val_epoch(runner, {'miou': 50.0})
    return runner


def rows(folder):
    return [line.split(',')[:5] for line in (folder / 'curves.csv').read_text().splitlines()[1:]]


def test_a_row_a_step_with_the_mean_of_its_parts_and_one_a_validation(tmp_path):
    hook = CurveHook(steps_per_epoch=4, accumulate=2)
    hook.after_train(train(hook, tmp_path, [1.0, 2.0, 5.0, 6.0]))
    expected = [['1', '0.2500', '0.1', '1.5', ''], ['2', '0.5000', '0.1', '5.5', ''], ['2', '0.5000', '', '', '50']]
    assert rows(tmp_path) == expected


def test_the_first_of_two_processes_writes_and_the_other_waits_for_it(tmp_path, in_two_processes):
    def one(rank):
        hook, own = CurveHook(steps_per_epoch=4), tmp_path / str(rank)
        own.mkdir()
        if rank == 0:
            time.sleep(0.3)
        hook.after_train(train(hook, own, [1.0 + rank]))
        return [[row[3] for row in rows(tmp_path / '0')], (tmp_path / '1' / 'curves.csv').exists()]

    assert in_two_processes(one) == [[['1', ''], False]] * 2


@pytest.mark.parametrize('read_every', [1, 3])
def test_while_it_stands_aside_for_others_a_run_does_not_train(tmp_path, monkeypatch, read_every):
    """A step takes a second; whoever is told of the second one lets it wait for a minute."""
    now = [0.0]
    for module in (progress, curves):
        monkeypatch.setattr(module, 'time', SimpleNamespace(monotonic=lambda: now[0]), raising=False)

    def stand_aside(message):
        now[0] += 60 * (message['step'] == 2)

    hooks = [progress.ProgressHook(stand_aside, 0, 4, 1), CurveHook(steps_per_epoch=4, read_every=read_every)]
    wrapper = SimpleNamespace(get_lr=lambda: {'lr': [0.1]})
    runner = SimpleNamespace(work_dir=str(tmp_path), iter=0, optim_wrapper=wrapper, hooks=hooks)
    for hook in hooks:
        hook.before_train(runner)
    for runner.iter in range(4):
        now[0] += 1
        for hook in hooks:
            hook.after_train_iter(runner, runner.iter, outputs={'loss': torch.tensor(1.0)})
    hooks[1].after_train(runner)
    lines = (tmp_path / 'curves.csv').read_text().splitlines()[1:]
    assert [float(line.split(',')[-1]) for line in lines] == [1.0, 2.0, 3.0, 4.0]


@pytest.mark.parametrize('wrong', [dict(steps_per_epoch=0), dict(steps_per_epoch=1, accumulate=0)])
def test_numbers_that_count_nothing_are_refused(wrong):
    with pytest.raises(ValueError, match='steps_per_epoch must be positive and accumulate at least 1, not'):
        CurveHook(**wrong)
