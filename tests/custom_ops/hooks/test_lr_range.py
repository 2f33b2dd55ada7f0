import csv
import math
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn

from custom_ops.hooks.lr_range import LearningRateRangeHook, rate_at, smooth, suggest

LOW, HIGH, STEPS = 1e-6, 1e2, 80


def sweep(hook, folder, accumulate=1, begin=0):
    """Fit a quadratic by gradient descent under the hook, as the training loop would call it."""
    torch.manual_seed(0)
    model = nn.Linear(4, 1)
    inputs, targets = torch.randn(32, 4), torch.randn(32, 1)
    optimizer = torch.optim.SGD([{'params': [model.weight]}, {'params': [model.bias], 'lr': 5.0}], lr=0.5, momentum=0.9)
    loop = SimpleNamespace(stop_training=False)
    wrapper = SimpleNamespace(optimizer=optimizer)
    runner = SimpleNamespace(model=model, optim_wrapper=wrapper, train_loop=loop, work_dir=str(folder), iter=begin)
    hook.before_train(runner)
    rates = []
    while runner.iter < hook.steps * accumulate and not loop.stop_training:
        hook.before_train_iter(runner, runner.iter)
        rates.append([group['lr'] for group in optimizer.param_groups])
        loss = (model(inputs) - targets).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        hook.after_train_iter(runner, runner.iter, outputs={'loss': loss.detach()})
        runner.iter += 1
    hook.after_train(runner)
    return model, optimizer, rates


def rows(folder):
    with (folder / 'lr_range.csv').open() as lines:
        return [(float(row['lr']), float(row['loss'])) for row in csv.DictReader(lines)]


def test_rates_rise_by_equal_factors_and_groups_keep_their_ratio(tmp_path):
    _, _, rates = sweep(LearningRateRangeHook(LOW, 1e-3, STEPS), tmp_path)
    first = np.array([one for one, _ in rates])
    assert (first[0], first[-1]) == pytest.approx((LOW, 1e-3))
    assert np.diff(np.log(first)) == pytest.approx(math.log(1e-3 / LOW) / (STEPS - 1))
    assert [second / one for one, second in rates] == pytest.approx([10.0] * STEPS)


def test_everything_is_afterwards_what_it_was_before(tmp_path):
    torch.manual_seed(0)
    before = nn.Linear(4, 1).state_dict()
    model, optimizer, _ = sweep(LearningRateRangeHook(LOW, HIGH, STEPS), tmp_path)
    assert all(torch.equal(before[name], tensor) for name, tensor in model.state_dict().items())
    assert [group['lr'] for group in optimizer.param_groups] == [0.5, 5.0]
    assert not optimizer.state


def test_a_sweep_ends_where_the_loss_leaves_and_suggests_a_rate_that_trains(tmp_path):
    sweep(LearningRateRangeHook(LOW, HIGH, STEPS), tmp_path)
    table = rows(tmp_path)
    assert 10 < len(table) < STEPS
    found = suggest(*zip(*table, strict=True))
    assert LOW < found.steepest < found.lowest < table[-1][0]


def test_a_split_batch_has_one_row_a_step(tmp_path):
    sweep(LearningRateRangeHook(LOW, 1e-4, 5, accumulate=4), tmp_path, accumulate=4)
    assert [rate for rate, _ in rows(tmp_path)] == pytest.approx([rate_at(i, 5, LOW, 1e-4) for i in range(5)], rel=1e-5)


def test_the_running_mean_of_a_constant_is_that_constant():
    assert smooth([3.0] * 7) == pytest.approx([3.0] * 7)


def test_the_steepest_fall_of_a_known_curve_is_found():
    rates = np.geomspace(1e-6, 1.0, 400)
    losses = 2.0 - np.tanh(2 * (np.log10(rates) + 3)) + 50 * np.clip(np.log10(rates) + 1, 0, None) ** 2
    found = suggest(rates, losses)
    assert math.log10(found.steepest) == pytest.approx(-3, abs=0.25), 'the mean lags a few steps behind'
    assert -2.5 < math.log10(found.lowest) < -0.7


@pytest.mark.parametrize('losses', [[1.0, 2.0, 3.0, 4.0], [1.0, float('nan'), 0.5, 0.2]])
def test_a_loss_that_never_falls_suggests_nothing(losses):
    found = suggest([1e-4, 1e-3, 1e-2, 1e-1], losses)
    assert (found.steepest, found.lowest) == (None, None)


def test_impossible_sweeps_are_refused():
    with pytest.raises(ValueError, match=r'low 1.0 and high 0.1: 0 < low < high'):
        LearningRateRangeHook(1.0, 0.1, 10)
    with pytest.raises(ValueError, match='steps 2'):
        LearningRateRangeHook(0.1, 1.0, 2)


def test_a_sweep_does_not_go_on_from_a_checkpoint(tmp_path):
    with pytest.raises(ValueError, match='a sweep of rates goes on from iteration 40: it begins at 0, with resume=F'):
        sweep(LearningRateRangeHook(LOW, HIGH, STEPS), tmp_path, begin=40)
    assert not (tmp_path / 'lr_range.csv').exists()


def test_a_sweep_that_is_asked_to_stop_ends_at_once(tmp_path):
    hook = LearningRateRangeHook(LOW, HIGH, STEPS)
    hook.stop_requested = True
    with pytest.raises(KeyboardInterrupt, match='asked to stop after iteration 1 of a sweep'):
        sweep(hook, tmp_path)


def test_a_sweep_is_of_one_process(tmp_path, in_two_processes):
    def one(rank):
        with pytest.raises(ValueError, match='a sweep of rates by 2 processes: one alone is needed'):
            sweep(LearningRateRangeHook(LOW, HIGH, STEPS), tmp_path)
        return rank

    assert in_two_processes(one) == [0, 1]
