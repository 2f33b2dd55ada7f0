"""The peak of GPU memory of a training, without what only the choice of its kernels takes."""

from typing import Any

from mmengine.hooks import Hook
from mmengine.runner import Runner

from bench.measure import memory

STEPS = 2
"""Iterations after which kernels are chosen and the optimiser's state is there."""


class SettledPeakHook(Hook):
    """Begins the peak of ``device`` anew after the first steps and after the first validation that others follow.

    cuDNN tries kernels on every new shape in as much memory as is free: gigabytes that no later step needs.
    """

    def __init__(self, device: str):
        self.device = device
        self._steps = 0
        self._validated = False

    def after_train_iter(self, runner: Runner, batch_idx: int, data_batch: Any = None, outputs: Any = None) -> None:
        self._steps += 1
        if self._steps == STEPS:
            memory.begin_anew(self.device)

    def after_val_epoch(self, runner: Runner, metrics: dict[str, float] | None = None) -> None:
        # Training steps have to follow, or their peak would be lost.
        if not self._validated and runner.iter + STEPS <= runner.max_iters:
            memory.begin_anew(self.device)
        self._validated = True
