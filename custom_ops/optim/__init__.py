"""Optimiser wrappers."""

from custom_ops.optim.bf16 import Bf16OptimWrapper
from custom_ops.optim.joined_groups import JoinedGroupsConstructor
from custom_ops.optim.unread_norm import UnreadNormOptimWrapper

__all__ = ['Bf16OptimWrapper', 'JoinedGroupsConstructor', 'UnreadNormOptimWrapper']
