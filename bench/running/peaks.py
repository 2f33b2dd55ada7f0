"""The peak of GPU memory of a training, without what only the choice of its kernels takes."""

from typing import Any

from mmengine.hooks import Hook
from mmengine.runner import Runner

from bench.measure import memory

STEPS = 2
"""Iterations in which kernels are chosen, and that have to follow: what is measured is the peak of the later ones."""


class SettledPeakHook(Hook):
    """Begins the peak of ``device`` anew after the first steps and after the first validation, if steps follow.

    cuDNN tries kernels on every new shape in as much memory as is free: gigabytes that it does without where they are
    not, and that no later step needs.
    """

    def __init__(self, device: str):
        self.device = device
        self._steps = 0
        self._validated = False

    def after_train_iter(self, runner: Runner, batch_idx: int, data_batch: Any = None, outputs: Any = None) -> None:
        self._steps += 1
        if self._steps == STEPS and runner.iter + 1 + STEPS <= runner.max_iters:
            memory.begin_anew(self.device)

    def after_val_epoch(self, runner: Runner, metrics: dict[str, float] | None = None) -> None:
        if not self._validated and runner.iter + STEPS <= runner.max_iters:
            memory.begin_anew(self.device)
        self._validated = True
