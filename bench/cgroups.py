"""What a container may use: limits that the kernel keeps and that the machine's own numbers do not tell.

Control groups of version 2, and the two files of version 1 that matter; a container sees its own at the root.
"""

import math
from pathlib import Path

ROOT = Path('/sys/fs/cgroup')


def memory_bytes(root: Path = ROOT) -> int | None:
    """Return the memory limit; None where there is none, or more of it than any machine has."""
    for name in ('memory.max', 'memory/memory.limit_in_bytes'):
        told = _words(root / name)
        # Version 1 says "no limit" by a number near 2**63.
        if told and told[0].isdigit() and int(told[0]) < 2**60:
            return int(told[0])
    return None


def cpus(root: Path = ROOT) -> int | None:
    """Return how many processors the limit of processor time comes to, rounded up; None where there is none."""
    told = _words(root / 'cpu.max') or [
        word for name in ('cpu.cfs_quota_us', 'cpu.cfs_period_us') for word in _words(root / 'cpu' / name)
    ]
    if len(told) != 2 or not all(word.isdigit() for word in told):
        return None
    quota, period = map(int, told)
    return max(1, math.ceil(quota / period)) if period else None


def _words(file: Path) -> list[str]:
    try:
        return file.read_text().split()
    except OSError:
        return []
