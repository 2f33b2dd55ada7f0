"""The pixel accuracy that the toolbox's heads log each step, without sorting classes or waiting for the device.

The toolbox picks the labelled pixels by a mask, whose size has to be known before anything else is queued, and finds
the best class by a sort. The log alone shows this number; no loss depends on it.
"""

import sys
from functools import wraps
from typing import Any

import torch
from mmengine.hooks import Hook
from mmengine.runner import Runner
from mmseg.models.losses import accuracy as toolbox_accuracy
from mmseg.registry import HOOKS
from torch import Tensor


def quick_accuracy(logits: Tensor, label: Tensor, ignore_index: int | None = None) -> Tensor:
    """Return the percent [1] of the pixels of ``label`` [B, H, W] that ``logits`` [B, K, H, W] get right."""
    right, eps = logits.argmax(dim=1) == label, torch.finfo(torch.float32).eps
    valid = torch.ones_like(right) if ignore_index is None else label != ignore_index
    return ((right & valid).sum(dtype=torch.float32) + eps).mul(100.0).div(valid.sum() + eps).reshape(1)


@HOOKS.register_module()
class QuickAccuracyHook(Hook):
    """Let the toolbox's heads use ``quick_accuracy`` while training; any other way of calling theirs is left alone."""

    def before_train(self, runner: Runner) -> None:
        self._replace(toolbox_accuracy, _quick)

    def after_train(self, runner: Runner) -> None:
        self._replace(_quick, toolbox_accuracy)

    @staticmethod
    def _replace(old: Any, new: Any) -> None:
        for name, module in list(sys.modules.items()):
            if name.startswith('mmseg.models.') and module.__dict__.get('accuracy') is old:
                module.accuracy = new  # type: ignore[attr-defined]


@wraps(toolbox_accuracy)
def _quick(pred: Tensor, target: Tensor, *arguments: Any, **options: Any) -> Any:
    if arguments or set(options) - {'ignore_index'} or pred.ndim != 4:
        return toolbox_accuracy(pred, target, *arguments, **options)
    return quick_accuracy(pred, target, **options)
