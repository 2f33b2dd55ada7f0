"""Training curves as a CSV file that survives interruption."""

import csv
import time
from pathlib import Path

from mmengine.dist import barrier, master_only
from mmengine.hooks import Hook
from mmengine.runner import Runner
from mmseg.registry import HOOKS

from custom_ops.hooks.deferred import DeferredValues

COLUMNS = ('step', 'epoch', 'lr', 'loss', 'val_miou', 'val_pixel_accuracy', 'val_loss', 'sec')


@HOOKS.register_module()
class CurveHook(Hook):
    """Write ``<work_dir>/curves.csv``: one row an optimiser step, validation scores on rows of their own.

    Columns: ``step`` (optimiser steps done), ``epoch`` (fractional, of the training images), ``lr`` (of the
    first parameter group), ``loss`` (mean over the step's micro-batches), ``val_miou`` and
    ``val_pixel_accuracy`` (percent) and ``val_loss`` (nats), empty where not evaluated, ``sec`` (training seconds
    since the start, carried over an interruption, without those of ``leave_out``). Of several processes the first one
    writes, its own losses.

    Args:
        steps_per_epoch: optimiser steps that one pass over the training samples takes.
        accumulate: iterations per optimiser step.
        read_every: iterations between two readings of the losses; see ``deferred``.
    """

    def __init__(self, steps_per_epoch: float, accumulate: int = 1, read_every: int = 1):
        if steps_per_epoch <= 0 or accumulate < 1:
            raise ValueError(
                f'steps_per_epoch must be positive and accumulate at least 1, not {steps_per_epoch}, {accumulate}'
            )
        self.steps_per_epoch = steps_per_epoch
        self.accumulate = accumulate
        self._unread = DeferredValues(read_every)
        self._losses: list[float] = []
        self._sec = 0.0
        self._mark = 0.0
        self._rows: list[tuple] = []

    @master_only
    def before_train(self, runner: Runner) -> None:
        self._file = Path(runner.work_dir) / 'curves.csv'
        kept = _rows_until(self._file, runner.iter // self.accumulate)
        self._sec = float(kept[-1][-1]) if kept else 0.0
        with self._file.open('w', newline='') as out:
            csv.writer(out).writerows([COLUMNS, *kept])
        self._mark = time.monotonic()

    @master_only
    def after_train_iter(self, runner: Runner, batch_idx: int, data_batch=None, outputs=None) -> None:
        note = runner.iter + 1, runner.optim_wrapper.get_lr()['lr'][0], self._clock()
        self._take(self._unread.add(note, outputs['loss']))
        if len(self._rows) >= 50:
            self._flush()

    def _take(self, losses: list[tuple[tuple[int, float, float], float]]) -> None:
        """Make rows of losses, each with its iteration, rate and time, where they end an optimiser step."""
        if not losses:
            return
        # Reading has waited for the device: only now is the last of them done.
        (last, rate, _), loss = losses[-1]
        for (iteration, lr, sec), value in [*losses[:-1], ((last, rate, self._clock()), loss)]:
            self._losses.append(value)
            if iteration % self.accumulate:
                continue
            step = iteration // self.accumulate
            loss = sum(self._losses) / len(self._losses)
            self._losses.clear()
            self._rows.append((step, self._epoch(step), f'{lr:.6g}', f'{loss:.6g}', '', '', '', f'{sec:.3f}'))

    def leave_out(self, sec: float) -> None:
        """Do not count ``sec`` seconds that have just gone by outside the training."""
        self._mark += sec

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        self._flush()

    def before_val(self, runner: Runner) -> None:
        self._flush()

    @master_only
    def after_val_epoch(self, runner: Runner, metrics: dict | None = None) -> None:
        step = runner.iter // self.accumulate
        given = metrics or {}
        scores = [f'{given[key]:.6g}' if key in given else '' for key in ('miou', 'pixel_accuracy', 'val_loss')]
        self._rows.append((step, self._epoch(step), '', '', *scores, f'{self._sec:.3f}'))
        self._flush()
        self._mark = time.monotonic()

    def after_train(self, runner: Runner) -> None:
        self._flush()
        barrier()

    def _clock(self) -> float:
        now = time.monotonic()
        self._sec += now - self._mark
        self._mark = now
        return self._sec

    def _epoch(self, step: int) -> str:
        return f'{step / self.steps_per_epoch:.4f}'

    @master_only
    def _flush(self) -> None:
        self._take(self._unread.read())
        if self._rows:
            with self._file.open('a', newline='') as out:
                csv.writer(out).writerows(self._rows)
            self._rows.clear()


def _rows_until(file: Path, step: int) -> list[list[str]]:
    """Return the complete rows up to ``step``; a half-written last line is dropped."""
    if step == 0 or not file.exists():
        return []
    with file.open(newline='') as lines:
        rows = [row for row in csv.reader(lines) if len(row) == len(COLUMNS) and row[0].isdigit()]
    due_again = {row[0] for row in rows if row[0] == str(step) and row[4]}
    return [row for row in rows if int(row[0]) <= step and not (row[4] and row[0] in due_again)]
