"""What the C library does with freed memory: give it back to the system, or keep it for the next tensor.

A training step frees and asks for the same hundreds of megabytes again and again. By default glibc maps each large
tensor anew, and the system fills its pages with zeros at the first touch; with what is freed kept, only the first
step pays. Other C libraries are left as they are.
"""

import ctypes
import sys

_TRIM_THRESHOLD, _TOP_PAD, _MMAP_MAX = -1, -2, -4
"""Parameters of glibc's ``mallopt``, from its ``malloc.h``."""

_NEVER = -1
_TOP_PAD_BYTES = 64 << 20


def keep_freed_memory() -> bool:
    """Keep from now on what this process frees; return whether the C library could be asked to. No number changes."""
    library = _glibc()
    if library is None:
        return False
    wanted = (_MMAP_MAX, 0), (_TRIM_THRESHOLD, _NEVER), (_TOP_PAD, _TOP_PAD_BYTES)
    return all([library.mallopt(parameter, value) for parameter, value in wanted])


def hand_back() -> None:
    """Give the system what is free now, so that a measurement of the process sees what it uses."""
    library = _glibc()
    if library is not None:
        library.malloc_trim(0)


def _glibc() -> ctypes.CDLL | None:
    if sys.platform != 'linux':
        return None
    library = ctypes.CDLL(None)
    return library if hasattr(library, 'mallopt') and hasattr(library, 'malloc_trim') else None
