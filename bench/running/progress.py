"""What a training tells its parent, and hears from it, while it goes on."""

import time

from mmengine.hooks import Hook
from mmengine.runner import Runner

from bench.running.attempt import Report, stop_requested
from custom_ops.hooks.deferred import DeferredValues


class ProgressHook(Hook):
    """Tell the parent where the training is, and hand a stop request on to the checkpoint hook.

    ``before`` and ``of`` are the run's optimiser steps before this stage and in all; it tells every ``read_every``
    iterations.
    """

    priority = 'HIGH'

    def __init__(self, report: Report, before: int, of: int, accumulate: int, read_every: int = 1):
        self.report, self.before, self.of, self.accumulate = report, before, of, accumulate
        self.losses = DeferredValues(max(1, read_every // accumulate))
        self.began = 0
        """Optimiser steps of this stage that an earlier process has made."""

    def before_train(self, runner: Runner) -> None:
        self.began = runner.iter // self.accumulate

    def after_train_iter(self, runner: Runner, batch_idx: int, data_batch=None, outputs=None) -> None:
        if (runner.iter + 1) % self.accumulate == 0:
            due = self.losses.add(self.before + (runner.iter + 1) // self.accumulate, outputs['loss'])
            for step, loss in due[-1:]:
                began = time.monotonic()
                self.report({'kind': 'step', 'step': step, 'of': self.of, 'loss': loss})
                # A run may have stood aside meanwhile, for minutes, while another measured: that is no training.
                aside_sec = time.monotonic() - began
                for hook in runner.hooks:
                    if hasattr(hook, 'leave_out'):
                        hook.leave_out(aside_sec)
        if stop_requested():
            for hook in runner.hooks:
                if hasattr(hook, 'stop_requested'):
                    hook.stop_requested = True

    def after_val_iter(self, runner: Runner, batch_idx: int, data_batch=None, outputs=None) -> None:
        # Hundreds of large images take longer than a run may be silent for.
        self.report({'kind': 'validate', 'image': batch_idx + 1})
