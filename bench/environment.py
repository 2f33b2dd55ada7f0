"""What a run ran on: machine, versions, code. No names of people, hosts or folders."""

import contextlib
import os
import platform
import subprocess
import time
from functools import cache
from pathlib import Path
from typing import Any

from bench import cgroups, devices

PACKAGES = (
    'torch',
    'onedl-mmsegmentation',
    'onedl-mmengine',
    'onedl-mmcv',
    'numpy',
    'opencv-python',
    'pillow',
)

BUSY_PERCENT = 10.0
"""Use of all processors together, or of the card, above which a latency is marked ``contended``."""

WATCH_SEC = {'cpu': 0.1, 'cuda': 1.2}
"""A card tells its use over the last second at most: what this process did there has to be over."""


def describe(device: str, threads: int) -> dict[str, Any]:
    """Return the ``environment`` block of a receipt.

    ``commit`` is the checkout's commit or None for an installed copy; ``dirty`` whether tracked files differed.
    """
    return {
        **code_version(),
        'segrepro': _version('segrepro'),
        'python': platform.python_version(),
        'packages': versions(),
        'system': f'{platform.system()} {platform.release()} {platform.machine()}',
        'cpu': cpu_name(),
        'cpu_count': os.cpu_count(),
        'threads': threads,
        'memory_gib': _memory_gib(),
        **_accelerator(device),
    }


def others_at_work(device: str, watch_sec: float | None = None) -> bool:
    """Return whether other processes keep ``device`` more than a tenth busy; idles while it watches."""
    import psutil

    psutil.cpu_percent()
    time.sleep(WATCH_SEC[device.partition(':')[0]] if watch_sec is None else watch_sec)
    used = psutil.cpu_percent() if device == 'cpu' else devices.gpu_use_percent(device)
    return used is not None and used > BUSY_PERCENT


class Watch:
    """What other processes have taken of the processors since it was made, while this one was at work.

    A card does not tell whose work it does: there, ``others_at_work`` before and ``met_others`` after it speak, and the
    lease of the device.
    """

    def __init__(self, device: str):
        self._device = device
        self._began = time.monotonic()
        self._before = _busy_sec()

    def others_at_work(self) -> bool:
        """Return whether they kept all processors together more than a tenth busy."""
        if self._device != 'cpu':
            return False
        everybody, own = (now - before for now, before in zip(_busy_sec(), self._before, strict=True))
        offered = (time.monotonic() - self._began) * (os.cpu_count() or 1)
        return 100 * (everybody - own) > BUSY_PERCENT * offered

    def met_others(self) -> bool:
        """Return the same once the work is done; a card's use is looked at then, when none of it is this process's."""
        return self.others_at_work() if self._device == 'cpu' else others_at_work(self._device)


def _busy_sec() -> tuple[float, float]:
    """Return the seconds that all processors have worked for anybody, other machines on them included, and for us."""
    import psutil

    times, own = psutil.cpu_times(), 0.0
    process = psutil.Process()
    # What works for us, a compiler say, is not another: both what ended and what goes on.
    for one in (process, *process.children(recursive=True)):
        with contextlib.suppress(psutil.Error):
            spent = one.cpu_times()
            own += spent.user + spent.system + spent.children_user + spent.children_system
    idle = times.idle + getattr(times, 'iowait', 0.0)
    # What a guest used is counted among what its host used already.
    guests = getattr(times, 'guest', 0.0) + getattr(times, 'guest_nice', 0.0)
    return sum(times) - idle - guests, own


def usable_cpus() -> int:
    """Return how many processors this process may use: an affinity mask or a container can leave few of many."""
    there = len(os.sched_getaffinity(0)) if hasattr(os, 'sched_getaffinity') else os.cpu_count() or 1
    return min(there, cgroups.cpus() or there)


def threads(jobs: int = 1) -> int:
    """Return how many threads each of ``jobs`` runs at once computes with: its share of the processors.

    ``OMP_NUM_THREADS`` is the most, as for any program of PyTorch's.
    """
    share = max(1, usable_cpus() // jobs)
    # A list has a number for each level of nesting; there is one.
    most = os.environ.get('OMP_NUM_THREADS', '').partition(',')[0].strip()
    return min(share, int(most)) if most.isdecimal() and int(most) else share


def code_version() -> dict[str, Any]:
    """Return the commit of the checkout this package runs from, and whether it was changed since."""
    root = Path(__file__).resolve().parent.parent
    if not (root / '.git').exists():
        return {'commit': None, 'dirty': None}

    def git(*arguments: str) -> str | None:
        try:
            run = subprocess.run(
                ['git', '-C', root, *arguments], capture_output=True, text=True, timeout=20, check=True
            )
        except (OSError, subprocess.SubprocessError):
            return None
        return run.stdout.strip()

    changed = git('status', '--porcelain', '--untracked-files=no')
    return {'commit': git('rev-parse', 'HEAD'), 'dirty': None if changed is None else bool(changed)}


CPUINFO = Path('/proc/cpuinfo')


def computes_bf16(cpuinfo: Path = CPUINFO) -> bool | None:
    """Return whether this processor has what oneDNN computes bfloat16 with; None where the system does not tell.

    Without it PyTorch falls back to a plain loop for every convolution, an order of magnitude slower than fp32.
    """
    about = _processor(cpuinfo)
    features = set(about.get('flags', about.get('Features', '')).split())
    return {'avx512bw', 'avx512vl', 'avx512dq'} <= features or 'bf16' in features if features else None


def cpu_name(cpuinfo: Path = CPUINFO) -> str:
    """Return the processor's name with the numbers of its make, where the system tells them.

    Machines for rent give generations one name (``AMD EPYC``), of which one can be four times as fast as another.
    """
    about = _processor(cpuinfo)
    name = about.get('model name') or platform.processor() or platform.machine() or 'unknown'
    make = [
        f'{title} {about[field]}'
        for field, title in (
            ('cpu family', 'family'),
            ('model', 'model'),
            ('CPU implementer', 'implementer'),
            ('CPU part', 'part'),
        )
        if about.get(field)
    ]
    return f'{name} ({", ".join(make)})' if make else name


def _processor(cpuinfo: Path) -> dict[str, str]:
    """Return the fields of the first processor that Linux lists; none elsewhere."""
    fields = {}
    with contextlib.suppress(OSError):
        for line in cpuinfo.read_text().split('\n\n')[0].splitlines():
            field, _, value = line.partition(':')
            fields[field.strip()] = value.strip()
    return fields


def _memory_gib() -> float:
    import psutil

    return round(psutil.virtual_memory().total / 2**30, 1)


def _accelerator(device: str) -> dict[str, Any]:
    if not device.startswith('cuda'):
        return {'device': device, 'device_name': None, 'cuda': None, 'driver': None}
    import torch

    return {
        'device': device,
        'device_name': torch.cuda.get_device_name(device),
        'cuda': torch.version.cuda,
        'driver': _driver(),
    }


def _driver() -> str | None:
    try:
        run = subprocess.run(
            ['nvidia-smi', '--query-gpu=driver_version', '--format=csv,noheader'],
            capture_output=True,
            text=True,
            timeout=20,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return run.stdout.split('\n')[0].strip()


@cache
def versions() -> dict[str, str | None]:
    """Return the version of every one of ``PACKAGES``; None of one that is not installed. Imports none of them."""
    return {name: _version(name) for name in PACKAGES}


def _version(package: str) -> str | None:
    from importlib import metadata

    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None
