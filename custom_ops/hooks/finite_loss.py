"""Stop a training whose loss is no longer a number, or has left every sensible range."""

import math

from mmengine.hooks import Hook
from mmengine.runner import Runner
from mmseg.registry import HOOKS


class NonFiniteLossError(ArithmeticError):
    """The loss became NaN or infinite."""


class DivergedLossError(ArithmeticError):
    """The loss is finite but far above anything a working training shows."""


@HOOKS.register_module()
class FiniteLossHook(Hook):
    """Raise as soon as a step's loss is NaN, infinite or above ``limit``.

    Args:
        limit: largest loss still believed; cross entropy over K classes starts near log K, so a value
            of 1e4 means that the weights have exploded.
    """

    def __init__(self, limit: float = 1e4):
        if limit <= 0:
            raise ValueError(f'limit must be positive, not {limit}')
        self.limit = limit

    def after_train_iter(self, runner: Runner, batch_idx: int, data_batch=None, outputs=None) -> None:
        loss = outputs['loss'].item()
        if not math.isfinite(loss):
            raise NonFiniteLossError(f'the loss is {loss} at iteration {runner.iter + 1}')
        if abs(loss) > self.limit:
            raise DivergedLossError(f'the loss is {loss:.4g} at iteration {runner.iter + 1}, above {self.limit:g}')
