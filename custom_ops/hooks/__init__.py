"""Hooks for mmengine's Runner: checkpoints that resume exactly, training curves, a watch on the loss."""

from custom_ops.hooks.atomic_checkpoint import AtomicCheckpointHook
from custom_ops.hooks.curves import CurveHook
from custom_ops.hooks.finite_loss import FiniteLossHook
from custom_ops.hooks.freeze import FreezeHook

__all__ = ['AtomicCheckpointHook', 'CurveHook', 'FiniteLossHook', 'FreezeHook']
