"""Losses read every few iterations: the same rows, errors and log, and no look at the device in between."""

import csv
from types import SimpleNamespace
from unittest.mock import MagicMock

import pytest
import torch
from mmengine.logging import MessageHub
from mmseg.models.losses import CrossEntropyLoss
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode

from bench.running.progress import ProgressHook
from custom_ops.hooks import CurveHook, DeferredInfoHook, FiniteLossHook, LearningRateRangeHook
from custom_ops.hooks.deferred import DeferredValues
from custom_ops.hooks.finite_loss import DivergedLossError, NonFiniteLossError
from custom_ops.losses.unread import UnreadCrossEntropyLoss

STEPS, EVERY = 24, 10


class Looks(TorchDispatchMode):
    """Counts what makes a process wait for its device: single numbers fetched, and tensors copied to the CPU."""

    def __init__(self):
        super().__init__()
        self.count = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        self.count += 'local_scalar_dense' in str(func) or 'nonzero' in str(func)
        return func(*args, **(kwargs or {}))


class Runner(SimpleNamespace):
    def every(self, hooks, losses, checkpoint_at=None):
        """Call ``hooks`` as a training does; return the looks of each iteration."""
        for hook in hooks:
            hook.before_train(self)
        seen = []
        for index, loss in enumerate(losses):
            self.iter = index
            outputs = {'loss': torch.tensor(loss), 'acc': torch.tensor([loss])}
            with Looks() as looks:
                for hook in hooks:
                    hook.after_train_iter(self, index, outputs=outputs)
            seen.append(looks.count)
            if index + 1 == checkpoint_at:
                for hook in hooks:
                    hook.before_save_checkpoint(self, {})
        self.iter += 1
        for hook in hooks:
            hook.after_train(self)
        return seen


@pytest.fixture
def runner(tmp_path):
    model = torch.nn.Linear(1, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.5)
    return Runner(
        iter=0,
        work_dir=str(tmp_path),
        model=model,
        message_hub=MessageHub('deferred'),
        optim_wrapper=SimpleNamespace(get_lr=lambda: {'lr': [0.5]}, optimizer=optimizer),
        train_loop=SimpleNamespace(stop_training=False),
        hooks=[],
    )


def rows(runner):
    with open(f'{runner.work_dir}/curves.csv', newline='') as lines:
        return [row[:-1] for row in csv.reader(lines)]


def test_between_readings_nothing_looks_at_the_losses(runner):
    info = DeferredInfoHook(EVERY, 2 * EVERY)
    info.before_train = info.after_train = lambda runner: None
    hooks = [info, FiniteLossHook(read_every=EVERY), CurveHook(3.0, read_every=EVERY)]
    hooks.append(ProgressHook(lambda message: None, 0, STEPS, 1, EVERY))
    seen = runner.every(hooks, [1.0 / (step + 1) for step in range(STEPS)])
    assert len(seen) == STEPS
    assert not any(count for index, count in enumerate(seen) if (index + 1) % EVERY)


def test_the_count_of_looks_sees_a_look(runner):
    seen = runner.every([CurveHook(3.0)], [1.0, 2.0])
    with Looks() as looks:
        torch.ones(1).item()
    assert looks.count == 1 and len(seen) == 2


@pytest.mark.parametrize('accumulate', [1, 2, 3])
@pytest.mark.parametrize('every', [1, 4, EVERY, 100])
@pytest.mark.parametrize('checkpoint_at', [None, 6])
def test_the_curve_is_the_same_however_often_it_is_read(runner, accumulate, every, checkpoint_at):
    losses = torch.rand(STEPS, generator=torch.Generator().manual_seed(0)).tolist()
    runner.every([CurveHook(3.0, accumulate, every)], losses, checkpoint_at)
    means = [sum(losses[start : start + accumulate]) / accumulate for start in range(0, STEPS, accumulate)]
    assert [row[3] for row in rows(runner)[1:]] == [f'{mean:.6g}' for mean in means]
    assert [int(row[0]) for row in rows(runner)[1:]] == list(range(1, STEPS // accumulate + 1))


@pytest.mark.parametrize('bad', range(1, STEPS + 1))
@pytest.mark.parametrize(('value', 'error'), [(float('nan'), NonFiniteLossError), (2e4, DivergedLossError)])
def test_a_bad_loss_is_found_and_named_by_its_own_iteration(runner, bad, value, error):
    losses = [1.0] * (bad - 1) + [value] + [float('inf')] * (STEPS - bad)
    with pytest.raises(error, match=rf'at iteration {bad}\b'):
        runner.every([FiniteLossHook(read_every=EVERY)], losses)
    assert runner.iter + 1 - bad <= EVERY


def test_no_checkpoint_is_taken_of_a_bad_loss(runner):
    with pytest.raises(NonFiniteLossError, match='at iteration 3'):
        runner.every([FiniteLossHook(read_every=EVERY)], [1.0, 1.0, float('nan'), 1.0], checkpoint_at=4)
    assert runner.iter + 1 == 4


@pytest.mark.parametrize('every', [1, 7])
def test_the_log_gets_every_value_before_it_is_written(runner, every):
    info = DeferredInfoHook(every, 5)
    info.before_train = info.after_train = lambda runner: None
    known = {}

    class Log:
        before_train = after_train = staticmethod(lambda runner: None)

        def after_train_iter(self, runner, index, outputs=None):
            if (index + 1) % 5 == 0:
                known[index + 1] = runner.message_hub.get_scalar('train/loss').data[0].tolist()

    losses = [float(step) for step in range(15)]
    runner.message_hub = MessageHub(f'log-{every}')
    runner.every([info, Log()], losses)
    assert known == {step: losses[:step] for step in (5, 10, 15)}


@pytest.mark.parametrize('every', [1, 4, 100])
def test_a_sweep_ends_at_the_same_step_and_with_the_same_file(runner, every):
    losses = [1.0, 0.9, 0.8, 0.7, 0.6, 0.5, 50.0, 1e9, float('nan'), 3.0, 2.0]
    hook = LearningRateRangeHook(1e-4, 1.0, steps=len(losses), read_every=every)
    hook.before_train(runner)
    for index, loss in enumerate(losses):
        runner.iter = index
        if not runner.train_loop.stop_training:
            hook.after_train_iter(runner, index, outputs={'loss': torch.tensor(loss)})
    hook.after_train(runner)
    with open(f'{runner.work_dir}/lr_range.csv', newline='') as lines:
        assert len(list(csv.reader(lines))) == 1 + len(hook.losses)
    assert hook.losses == pytest.approx(losses[:7])


def test_progress_tells_the_last_of_what_was_read(runner):
    told = []
    hook = ProgressHook(told.append, before=100, of=200, accumulate=2, read_every=10)
    for index in range(20):
        runner.iter = index
        hook.after_train_iter(runner, index, outputs={'loss': torch.tensor(float(index))})
    assert [(message['step'], message['loss']) for message in told] == [(105, 9.0), (110, 19.0)]


def test_progress_tells_of_every_validated_image(runner):
    told = []
    ProgressHook(told.append, before=0, of=1, accumulate=1).after_val_iter(runner, 4)
    assert told == [{'kind': 'validate', 'image': 5}]


def test_values_of_several_kinds_keep_their_order():
    values = DeferredValues(3)
    assert values.add('a', torch.tensor(1.5)) == [] == values.add('b', torch.tensor([2.5], dtype=torch.float64))
    assert values.add('c', torch.tensor(3)) == [('a', 1.5), ('b', 2.5), ('c', 3.0)]
    assert values.read() == []


@pytest.mark.parametrize('every', [0, -1])
def test_at_least_every_iteration(every):
    with pytest.raises(ValueError, match=f'every {every} iterations; at least 1'):
        DeferredValues(every)


def test_the_toolboxs_cross_entropies_read_nothing_while_it_is_there():
    model = nn.ModuleList([CrossEntropyLoss(avg_non_ignore=True), nn.Conv2d(1, 1, 1)])
    DeferredInfoHook(read_every=10, log_every=50).before_train(MagicMock(model=model))
    assert isinstance(model[0], UnreadCrossEntropyLoss)
