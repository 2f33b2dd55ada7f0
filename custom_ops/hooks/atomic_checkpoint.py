"""One checkpoint that is always whole and that training can be continued from bit by bit."""

import os
import time
from pathlib import Path

from mmengine.dist import barrier, master_only
from mmengine.hooks import Hook
from mmengine.runner import Runner
from mmseg.registry import HOOKS

from custom_ops.loops.random_state import capture_random_state


@HOOKS.register_module()
class AtomicCheckpointHook(Hook):
    """Keep ``<work_dir>/last.pth``: weights, optimiser, schedules, loop position and random state.

    mmengine's own hook deletes the previous file before the next one is complete and saves no random
    state; here the file is replaced in one step, so a kill at any moment leaves a usable checkpoint. Of several
    processes the first one writes, its random state with it; the others wait for it at the end.

    Args:
        interval_sec: least time between two checkpoints.
        interval_steps: save every so many optimiser steps as well (None: by time alone).
        accumulate: iterations per optimiser step; a checkpoint is only taken between two steps, where
            no accumulated gradient would be lost.
        save_last: save at the end of training too, whatever the interval.

    Raises:
        ValueError: an interval or ``accumulate`` is not positive.
    """

    priority = 'VERY_LOW'

    def __init__(
        self,
        interval_sec: float = 120.0,
        interval_steps: int | None = None,
        accumulate: int = 1,
        save_last: bool = True,
    ):
        if interval_sec <= 0 or accumulate < 1 or (interval_steps is not None and interval_steps < 1):
            raise ValueError(
                f'intervals must be positive and accumulate at least 1, '
                f'not interval_sec={interval_sec}, interval_steps={interval_steps}, accumulate={accumulate}'
            )
        self.interval_sec = interval_sec
        self.interval_steps = interval_steps
        self.accumulate = accumulate
        self.save_last = save_last
        self._saved_at = time.monotonic()
        self._saved_iter = -1
        self.stop_requested = False

    def before_train(self, runner: Runner) -> None:
        self._saved_at = time.monotonic()

    def after_train_iter(self, runner: Runner, batch_idx: int, data_batch=None, outputs=None) -> None:
        done = runner.iter + 1
        if done % self.accumulate:
            return
        steps = done // self.accumulate
        due = self.interval_steps is not None and steps % self.interval_steps == 0
        if due or self.stop_requested or time.monotonic() - self._saved_at >= self.interval_sec:
            self.save(runner, done)
        if self.stop_requested:
            raise KeyboardInterrupt(f'asked to stop after step {steps}')

    def after_train(self, runner: Runner) -> None:
        if self.save_last and self._saved_iter != runner.iter:
            self.save(runner, runner.iter)
        barrier()

    @master_only
    def save(self, runner: Runner, iteration: int) -> None:
        """Write the state after ``iteration`` iterations and point mmengine's ``last_checkpoint`` at it."""
        folder = Path(runner.work_dir)
        meta = {'epoch': runner.epoch, 'iter': iteration}
        runner.save_checkpoint(str(folder), 'last.pth.part', meta=meta, by_epoch=False)
        os.replace(folder / 'last.pth.part', folder / 'last.pth')
        (folder / 'last_checkpoint').write_text(str(folder / 'last.pth'))
        self._saved_at, self._saved_iter = time.monotonic(), iteration

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        checkpoint['random_state'] = capture_random_state()

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        runner.message_hub.update_info('random_state', checkpoint.get('random_state'))
