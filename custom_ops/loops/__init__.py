"""Loops for mmengine's Runner."""

from custom_ops.loops.resumable import ResumableIterLoop
from custom_ops.loops.validation import Bf16ValLoop

__all__ = ['Bf16ValLoop', 'ResumableIterLoop']
