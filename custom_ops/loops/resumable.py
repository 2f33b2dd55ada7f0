"""An iteration-based training loop that continues an interrupted training bit by bit."""

from mmengine.runner import IterBasedTrainLoop
from mmseg.registry import LOOPS

from custom_ops.datasets.seeding import continue_workers
from custom_ops.loops.random_state import restore_random_state, untouched_random_state
from custom_ops.losses import late_check


@LOOPS.register_module()
class ResumableIterLoop(IterBasedTrainLoop):
    """mmengine's iteration loop, with the random state put back before the first continued step.

    Stock mmengine resumes weights, optimiser and schedules but no random state. Here the sampler is moved
    to its position, the loader's iterator is created (which draws a number), and only then the state saved by
    ``AtomicCheckpointHook`` is restored. Validation leaves no trace in the generators, so where it falls does
    not change the training. Exact with loaders that work in this process (``num_workers=0``); workers of others
    draw numbers that they have not drawn before.

    Values that a loss has yet to look at, see ``losses.late_check``, are looked at in the end.
    """

    def run(self):
        """Train to ``max_iters`` and return the model."""
        self.runner.call_hook('before_train')
        self.runner.call_hook('before_train_epoch')
        if self._iter > 0:
            self.dataloader.sampler.skip(self._iter * self.dataloader.batch_size)
            continue_workers(self.dataloader, self._iter)
        batches = iter(self.dataloader)
        self._continue_from_checkpoint()
        while self._iter < self._max_iters and not self.stop_training:
            self.runner.model.train()
            self.run_iter(next(batches))
            self._validate_when_due()
        late_check.finish()
        self.runner.call_hook('after_train_epoch')
        self.runner.call_hook('after_train')
        return self.runner.model

    def _continue_from_checkpoint(self) -> None:
        # Taken out, not emptied: the hub is written into checkpoints, and runners of one second share it.
        state = self.runner.message_hub.runtime_info.pop('random_state', None)
        if self._iter == 0 or state is None:
            return
        restore_random_state(state)
        # The interruption may have fallen between the checkpoint and the validation due at that step, the last one's
        # too. Where that had taken place, ``CurveHook`` has dropped its row.
        self._validate_when_due()

    def _validate_when_due(self) -> None:
        if self.runner.val_loop is None or self._iter < self.val_begin:
            return
        if self._iter % self.val_interval == 0 or self._iter == self._max_iters:
            with untouched_random_state():
                self.runner.val_loop.run()
