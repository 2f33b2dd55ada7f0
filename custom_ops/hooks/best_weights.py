"""Keep the weights of the best validated step, whole at any moment."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from mmengine.dist import barrier, master_only
from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner
from mmseg.registry import HOOKS

KEPT = ('classes', 'palette')
"""What of the validated data set is kept with the weights."""


@HOOKS.register_module()
class BestWeightsHook(Hook):
    """Keep ``<work_dir>/best.pth``: the weights with the highest validated score so far, the earliest of equals.

    The file holds ``state_dict`` and ``meta``: ``iter``, the score under its name, and the classes (``dataset_meta``).
    A continued training goes on from the best that it left. Of several processes, which all know the score, the first
    one writes.

    Args:
        key: the validation metric to compare; higher is better.
        after_iters: validations up to this iteration do not count.

    Raises:
        ValueError: ``after_iters`` is negative.
        KeyError: a validation does not give ``key``; names what it gives.
    """

    priority = 'LOW'

    def __init__(self, key: str = 'miou', after_iters: int = 0):
        if after_iters < 0:
            raise ValueError(f'after_iters {after_iters}: 0 or more')
        self.key = key
        self.after_iters = after_iters
        self.best: float | None = None

    def before_train(self, runner: Runner) -> None:
        stored = Path(runner.work_dir) / 'best.pth'
        if runner.iter > 0 and stored.exists():
            self.best = torch.load(stored, map_location='cpu', weights_only=True)['meta'][self.key]

    def after_val_epoch(self, runner: Runner, metrics: Mapping[str, Any] | None = None) -> None:
        given = metrics or {}
        if self.key not in given:
            raise KeyError(f'the validation gives no {self.key!r}: choose from {", ".join(sorted(given)) or "nothing"}')
        score = float(given[self.key])
        if runner.iter <= self.after_iters or (self.best is not None and score <= self.best):
            return
        self.best = score
        self._write(runner, score)

    def after_train(self, runner: Runner) -> None:
        barrier()

    @master_only
    def _write(self, runner: Runner, score: float) -> None:
        model = runner.model.module if is_model_wrapper(runner.model) else runner.model
        part = Path(runner.work_dir) / 'best.pth.part'
        about = dict(getattr(runner.val_dataloader.dataset, 'metainfo', {}))
        meta = {'iter': runner.iter, self.key: score, 'dataset_meta': {k: about[k] for k in KEPT if k in about}}
        torch.save({'state_dict': model.state_dict(), 'meta': meta}, part)
        os.replace(part, part.with_suffix(''))
