"""Training loops for mmengine's Runner."""

from custom_ops.loops.resumable import ResumableIterLoop

__all__ = ['ResumableIterLoop']
