"""Hooks for mmengine's Runner, and its log."""

from custom_ops.hooks.atomic_checkpoint import AtomicCheckpointHook
from custom_ops.hooks.best_weights import BestWeightsHook
from custom_ops.hooks.curves import CurveHook
from custom_ops.hooks.deferred import DeferredInfoHook
from custom_ops.hooks.finite_loss import FiniteLossHook
from custom_ops.hooks.freeze import FreezeHook
from custom_ops.hooks.log_processor import PeakKeepingLogProcessor
from custom_ops.hooks.lr_range import LearningRateRangeHook
from custom_ops.hooks.quick_accuracy import QuickAccuracyHook

__all__ = [
    'AtomicCheckpointHook',
    'BestWeightsHook',
    'CurveHook',
    'DeferredInfoHook',
    'FiniteLossHook',
    'FreezeHook',
    'LearningRateRangeHook',
    'PeakKeepingLogProcessor',
    'QuickAccuracyHook',
]
