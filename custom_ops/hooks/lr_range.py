"""Learning-rate range test: raise the rate step by step and watch the loss.

Source: Smith 2017, arXiv:1506.01186, section 3.3; the sweep of kitti_ablation, section 2.
"""

import csv
import math
from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from mmengine.dist import get_world_size
from mmengine.hooks import Hook
from mmengine.runner import Runner
from mmseg.registry import HOOKS

from custom_ops.hooks.deferred import DeferredValues

SMOOTHING = 0.9
"""Weight of the past in the running mean of the losses."""

DIVERGED = 4.0
"""A smoothed loss this many times the least one, counted from zero, ends the sweep."""


@dataclass(frozen=True)
class Suggestion:
    """``steepest``: the rate where the smoothed loss falls fastest, the one to train with; ``lowest``: where it is
    least, beyond which training is about to break. None where the loss never falls."""

    steepest: float | None
    lowest: float | None


def rate_at(step: int, steps: int, low: float, high: float) -> float:
    """Return the rate of ``step`` (from 0) of ``steps``: equal factors from ``low`` to ``high``."""
    return low * (high / low) ** (step / max(1, steps - 1))


def smooth(losses: Sequence[float]) -> np.ndarray:
    """Return the exponential running mean of ``losses``, freed of its pull towards zero at the start."""
    means, mean = [], 0.0
    for count, loss in enumerate(losses, start=1):
        mean = SMOOTHING * mean + (1 - SMOOTHING) * loss
        means.append(mean / (1 - SMOOTHING**count))
    return np.array(means)


def suggest(rates: Sequence[float], losses: Sequence[float]) -> Suggestion:
    """Return the rates that a sweep speaks for.

    Args:
        rates: ascending, one a step.
        losses: of the same steps; those from the first that is not finite on are left out.

    Raises:
        ValueError: the lengths differ.
    """
    if len(rates) != len(losses):
        raise ValueError(f'{len(rates)} rates and {len(losses)} losses: one of each a step is needed')
    finite = next((i for i, loss in enumerate(losses) if not math.isfinite(loss)), len(losses))
    if finite < 3:
        return Suggestion(None, None)
    means = smooth(losses[:finite])
    slopes = np.gradient(means, np.log(np.asarray(rates[:finite])))
    bottom = int(means.argmin())
    falling = slopes[: bottom + 1]
    if bottom == 0 or falling.min() >= 0:
        return Suggestion(None, None)
    return Suggestion(float(rates[int(falling.argmin())]), float(rates[bottom]))


@HOOKS.register_module()
class LearningRateRangeHook(Hook):
    """Sweep the rate from ``low`` to ``high`` over ``steps`` optimiser steps; then put everything back.

    Writes ``<work_dir>/lr_range.csv`` (``step``, ``lr``, ``loss``, one row an optimiser step) and, when the loss has
    diverged, ends the training. Weights, statistics and optimiser are afterwards what they were before. Parameter
    groups keep the ratios of their rates. A sweep cannot be resumed: what it puts back and its first losses are in no
    checkpoint, so that one which is asked to stop has nothing to save and ends at once. It is of one process: of
    several, each would end it by its own loss.

    Args:
        low, high: first and last rate of the first parameter group.
        steps: optimiser steps of the sweep.
        accumulate: iterations per optimiser step.
        read_every: iterations between two readings of the losses; see ``deferred``.

    Raises:
        ValueError: not 0 < low < high, or fewer than three steps; before training, there are several processes, or a
            checkpoint was resumed.
        KeyboardInterrupt: it was asked to stop, by ``stop_requested``.
    """

    priority = 'LOW'

    def __init__(self, low: float, high: float, steps: int, accumulate: int = 1, read_every: int = 1):
        if not 0 < low < high:
            raise ValueError(f'low {low} and high {high}: 0 < low < high is needed, 1e-6 and 1.0 for instance')
        if steps < 3 or accumulate < 1:
            raise ValueError(f'steps {steps}, accumulate {accumulate}: at least 3 steps of at least 1 iteration')
        self.low, self.high, self.steps, self.accumulate = low, high, steps, accumulate
        self.stop_requested = False
        self.rates: list[float] = []
        self.losses: list[float] = []
        self._parts: list[float] = []
        self._unread = DeferredValues(read_every)

    def before_train(self, runner: Runner) -> None:
        if get_world_size() > 1:
            raise ValueError(f'a sweep of rates by {get_world_size()} processes: one alone is needed')
        if runner.iter > 0:
            raise ValueError(
                f'a sweep of rates goes on from iteration {runner.iter}: it begins at 0, with resume=False and no '
                'checkpoint of its own'
            )
        optimizer = runner.optim_wrapper.optimizer
        first = optimizer.param_groups[0]['lr']
        self._ratios = [group['lr'] / first for group in optimizer.param_groups]
        self._weights = deepcopy(runner.model.state_dict())
        self._optimizer = deepcopy(optimizer.state_dict())

    def before_train_iter(self, runner: Runner, batch_idx: int, data_batch=None) -> None:
        rate = rate_at(runner.iter // self.accumulate, self.steps, self.low, self.high)
        for group, ratio in zip(runner.optim_wrapper.optimizer.param_groups, self._ratios, strict=True):
            group['lr'] = rate * ratio

    def after_train_iter(self, runner: Runner, batch_idx: int, data_batch=None, outputs=None) -> None:
        if self._take(self._unread.add(runner.iter, outputs['loss'])):
            runner.train_loop.stop_training = True
        if self.stop_requested:
            raise KeyboardInterrupt(f'asked to stop after iteration {runner.iter + 1} of a sweep, which begins anew')

    def _take(self, losses: list[tuple[int, float]]) -> bool:
        """Add the steps that ``losses`` end; return whether one diverged, behind which nothing counts."""
        for iteration, loss in losses:
            self._parts.append(loss)
            if (iteration + 1) % self.accumulate:
                continue
            step = iteration // self.accumulate
            self.rates.append(rate_at(step, self.steps, self.low, self.high))
            self.losses.append(sum(self._parts) / len(self._parts))
            self._parts.clear()
            if self._diverged():
                return True
        return False

    def after_train(self, runner: Runner) -> None:
        if not runner.train_loop.stop_training:
            self._take(self._unread.read())
        with (Path(runner.work_dir) / 'lr_range.csv').open('w', newline='') as out:
            pairs = zip(self.rates, self.losses, strict=True)
            rows = [(step, f'{rate:.6g}', f'{loss:.6g}') for step, (rate, loss) in enumerate(pairs, start=1)]
            csv.writer(out).writerows([('step', 'lr', 'loss'), *rows])
        runner.model.load_state_dict(self._weights)
        runner.optim_wrapper.optimizer.load_state_dict(self._optimizer)
        del self._weights, self._optimizer

    def _diverged(self) -> bool:
        if not math.isfinite(self.losses[-1]):
            return True
        means = smooth(self.losses)
        # Some losses are legitimately negative: there the rise is measured against the first one's size.
        least = float(means.min())
        return bool(means[-1] - least > (DIVERGED - 1) * max(abs(least), 1e-3 * abs(means[0])))
