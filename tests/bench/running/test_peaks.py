from types import SimpleNamespace

import pytest
import torch

from bench.measure import memory
from bench.running.peaks import SettledPeakHook


@pytest.fixture
def begun(monkeypatch):
    """How many iterations were over whenever the peak was begun anew."""
    found, runner = [], SimpleNamespace(iter=0, max_iters=10)
    monkeypatch.setattr(memory, 'begin_anew', lambda device: found.append((device, runner.iter)))
    return found, runner


def step(hook, runner):
    hook.after_train_iter(runner, runner.iter)
    runner.iter += 1


def test_the_peak_begins_anew_once_kernels_are_chosen(begun):
    found, runner = begun
    hook = SettledPeakHook('cuda')
    for iteration in range(10):
        step(hook, runner)
        if iteration in (4, 7):
            hook.after_val_epoch(runner)
    assert found == [('cuda', 1), ('cuda', 5)]


def test_a_validation_that_no_steps_follow_leaves_their_peak(begun):
    found, runner = begun
    hook = SettledPeakHook('cuda')
    for _ in range(10):
        step(hook, runner)
    hook.after_val_epoch(runner)
    assert found == [('cuda', 1)]


@pytest.mark.parametrize(('iterations', 'times'), [(1, 0), (2, 0), (3, 0), (4, 1)])
def test_a_training_that_is_about_to_end_keeps_the_peak_it_has(begun, iterations, times):
    found, runner = begun
    runner.max_iters = iterations
    hook = SettledPeakHook('cuda')
    for _ in range(iterations):
        step(hook, runner)
    assert len(found) == times


def test_on_a_processor_the_device_is_not_asked(monkeypatch):
    monkeypatch.setattr(torch.cuda, 'synchronize', lambda device: pytest.fail('asked'))
    memory.begin_anew('cpu')
    with pytest.raises(pytest.fail.Exception, match='asked'):
        memory.begin_anew('cuda')
