"""Optimiser wrappers."""

from custom_ops.optim.bf16 import Bf16OptimWrapper

__all__ = ['Bf16OptimWrapper']
