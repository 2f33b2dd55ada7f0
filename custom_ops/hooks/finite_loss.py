"""Stop a training whose loss is no longer a number, or has left every sensible range."""

import math

from mmengine.hooks import Hook
from mmengine.runner import Runner
from mmseg.registry import HOOKS

from custom_ops.hooks.deferred import DeferredValues


class NonFiniteLossError(ArithmeticError):
    """The loss became NaN or infinite."""


class DivergedLossError(ArithmeticError):
    """The loss is finite but far above anything a working training shows."""


@HOOKS.register_module()
class FiniteLossHook(Hook):
    """Raise as soon as a step's loss is seen to be NaN, infinite or above ``limit``; nothing of it is ever saved.

    Args:
        limit: largest loss still believed; cross entropy over K classes starts near log K, so a value
            of 1e4 means that the weights have exploded.
        read_every: iterations between two looks at the losses; see ``deferred``.
    """

    def __init__(self, limit: float = 1e4, read_every: int = 1):
        if limit <= 0:
            raise ValueError(f'limit must be positive, not {limit}')
        self.limit = limit
        self._losses = DeferredValues(read_every)

    def after_train_iter(self, runner: Runner, batch_idx: int, data_batch=None, outputs=None) -> None:
        self._check(self._losses.add(runner.iter + 1, outputs['loss']))

    def before_val(self, runner: Runner) -> None:
        self._check(self._losses.read())

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        self._check(self._losses.read())

    def after_train(self, runner: Runner) -> None:
        self._check(self._losses.read())

    def _check(self, losses: list[tuple[int, float]]) -> None:
        for iteration, loss in losses:
            if not math.isfinite(loss):
                raise NonFiniteLossError(f'the loss is {loss} at iteration {iteration}')
            if abs(loss) > self.limit:
                raise DivergedLossError(f'the loss is {loss:.4g} at iteration {iteration}, above {self.limit:g}')
