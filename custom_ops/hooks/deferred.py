"""Losses read from the device many at a time: reading one waits until the device has done all it was given.

On a device that works beside the process (a GPU) a step that reads its loss cannot be prepared while the one before is
computed. Here losses stay where they are for some steps and are then fetched together.
"""

from collections import OrderedDict
from typing import Any

import torch
from mmengine.hooks import RuntimeInfoHook
from mmengine.runner import Runner
from mmseg.registry import HOOKS
from torch import Tensor

from custom_ops.losses import unread


class DeferredValues:
    """Single values on a device, each with a note, handed out in order once ``every`` of them have come together.

    ``every`` 1 hands each out at once.

    Raises:
        ValueError: ``every`` is below 1.
    """

    def __init__(self, every: int = 1):
        if every < 1:
            raise ValueError(f'losses are read every {every} iterations; at least 1 is needed')
        self.every = every
        self._kept: list[tuple[Any, Tensor]] = []

    def add(self, note: Any, value: Tensor) -> list[tuple[Any, float]]:
        """Keep ``value``; return what is due, each note with its number: nothing in most steps."""
        self._kept.append((note, value.detach()))
        return self.read() if len(self._kept) >= self.every else []

    def read(self) -> list[tuple[Any, float]]:
        """Return all that is kept, in one transfer for each kind of number."""
        kept, self._kept = self._kept, []
        if not kept:
            return []
        if len({(value.dtype, value.device) for _, value in kept}) > 1:
            return [(note, float(value)) for note, value in kept]
        values = torch.stack([value.reshape(()) for _, value in kept]).tolist()
        return [(note, value) for (note, _), value in zip(kept, values, strict=True)]


@HOOKS.register_module()
class DeferredInfoHook(RuntimeInfoHook):
    """mmengine's hook that hands losses to the log, reading them from the device every few iterations.

    Whenever the log is written it has them all. Nor do the toolbox's cross entropies read anything while it is there:
    see ``losses.unread``.

    Args:
        read_every: iterations between two readings.
        log_every: the log's own interval in iterations.
    """

    priority = 'VERY_HIGH'

    def __init__(self, read_every: int, log_every: int):
        self.log_every = log_every
        self._values: OrderedDict[str, DeferredValues] = OrderedDict()
        self.read_every = read_every
        self._since = 0

    def before_train(self, runner: Runner) -> None:
        super().before_train(runner)
        unread.replace(runner.model)

    def after_train_iter(self, runner: Runner, batch_idx: int, data_batch=None, outputs=None) -> None:
        for key, value in (outputs or {}).items():
            if isinstance(value, Tensor):
                # Never due by itself: all keys are read in one iteration.
                self._values.setdefault(key, DeferredValues(2**31)).add(None, value)
            else:
                runner.message_hub.update_scalar(f'train/{key}', value)
        self._since += 1
        if self._since >= self.read_every or self.every_n_train_iters(runner, self.log_every):
            self._hand_on(runner)

    def before_val(self, runner: Runner) -> None:
        self._hand_on(runner)
        super().before_val(runner)

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        self._hand_on(runner)

    def after_train(self, runner: Runner) -> None:
        self._hand_on(runner)
        super().after_train(runner)

    def _hand_on(self, runner: Runner) -> None:
        self._since = 0
        for key, values in self._values.items():
            for _, value in values.read():
                runner.message_hub.update_scalar(f'train/{key}', value)
