"""Peak memory of a piece of work: of the process and, on a CUDA device, of PyTorch's allocator. Sizes are bytes."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import psutil
import torch

from bench.measure import allocator

CLEAR_REFS = Path('/proc/self/clear_refs')
STATUS = Path('/proc/self/status')
RESET_PEAK = '5'
"""What resets a Linux process's recorded peak when written to ``clear_refs``."""

OUT_OF_MEMORY = ("can't allocate memory", 'CUDA error: out of memory', 'ALLOC_FAILED')
"""How those say it that do not raise an error of their own."""


@dataclass
class PeakMemory:
    """What ``peak_memory`` measured; all None until its block has ended.

    ``process_growth_bytes`` is the peak above what the process held at the start; None where the system only knows
    the peak of its whole life and that was not passed. ``allocated_bytes`` and ``reserved_bytes`` are the CUDA
    allocator's peaks, None on a CPU. ``method`` says how the process's peak was read.
    """

    process_peak_bytes: int | None = None
    process_growth_bytes: int | None = None
    allocated_bytes: int | None = None
    reserved_bytes: int | None = None
    method: str = ''

    def as_dict(self) -> dict[str, Any]:
        """Return the fields and ``peak_bytes``, the one to compare: allocated on a CUDA device, else the process's."""
        peak = self.process_peak_bytes if self.allocated_bytes is None else self.allocated_bytes
        return {'peak_bytes': peak, **asdict(self)}


@contextmanager
def peak_memory(device: str | torch.device) -> Iterator[PeakMemory]:
    """Measure the peak of the enclosed block, also of one that raises.

    What the C library keeps of memory freed before is given back first, it would count as used.
    The system keeps one peak per process, so blocks must not be nested and other threads' memory counts too.
    """
    device = torch.device(device)
    measured = PeakMemory()
    if device.type == 'cuda':
        torch.cuda.synchronize(device)
        # What the allocator keeps of work done before would count as reserved for this.
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats(device)
    allocator.hand_back()
    was_reset = _reset_peak()
    held, before = psutil.Process().memory_info().rss, _lifetime_peak()[0]
    try:
        yield measured
    finally:
        peak, method = _lifetime_peak()
        measured.process_peak_bytes = peak
        measured.method = method if was_reset else f'{method} since the process started'
        if was_reset or peak > before:
            measured.process_growth_bytes = max(0, peak - held)
        if device.type == 'cuda':
            torch.cuda.synchronize(device)
            measured.allocated_bytes = torch.cuda.max_memory_allocated(device)
            measured.reserved_bytes = torch.cuda.max_memory_reserved(device)


def begin_anew(device: str | torch.device) -> None:
    """Begin the allocator's peak of a CUDA device anew, within a block of ``peak_memory``; on a CPU do nothing."""
    device = torch.device(device)
    if device.type == 'cuda':
        torch.cuda.synchronize(device)
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats(device)


def ran_out(error: BaseException) -> bool:
    """Return whether ``error`` says that memory was short: on a CPU, in CUDA's allocator or in a library of CUDA's."""
    if isinstance(error, (MemoryError, torch.OutOfMemoryError)):
        return True
    told = str(error)
    return isinstance(error, RuntimeError) and any(words in told for words in OUT_OF_MEMORY)


def _reset_peak() -> bool:
    try:
        CLEAR_REFS.write_text(RESET_PEAK)
    except OSError:
        return False
    return True


def _lifetime_peak() -> tuple[int, str]:
    """Return the process's largest resident size so far, since the last reset if there was one, and the method."""
    try:
        lines = STATUS.read_text().splitlines()
        kibibytes = next(line.split()[1] for line in lines if line.startswith('VmHWM:'))
        return 1024 * int(kibibytes), 'VmHWM'
    except (OSError, StopIteration):
        pass
    memory = psutil.Process().memory_info()
    if hasattr(memory, 'peak_wset'):
        return memory.peak_wset, 'peak working set'
    import resource

    unit = 1 if sys.platform == 'darwin' else 1024
    return unit * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, 'ru_maxrss'
