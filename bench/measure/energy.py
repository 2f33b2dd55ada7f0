"""Energy of a forward, from the device's own counter over several seconds of work; without a counter, none.

Counters: the total-energy counter of an NVIDIA GPU (through ``pynvml``, where that is installed) and the package
counters of the processor that Linux shows below ``/sys/class/powercap`` (readable by root alone on most systems). A
counter counts all that its device does, so nothing is measured while others may use it.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

POWERCAP = Path('/sys/class/powercap')
MIN_SEC = 3.0
"""Counters tick every few milliseconds at best, some every 100: shorter windows would measure the ticks."""

Clock = Callable[[], float]


@dataclass(frozen=True)
class Counter:
    """A counter's ``name`` and ``joules``, which returns what it has counted since some moment."""

    name: str
    joules: Callable[[], float]


def find_counter(device: str | torch.device, powercap: Path = POWERCAP) -> Counter | None:
    """Return the energy counter of ``device``, or None where there is none that this process may read."""
    device = torch.device(device)
    return _gpu_counter(device) if device.type == 'cuda' else _processor_counter(powercap)


def measure_energy(
    step: Callable[[], Any],
    device: str | torch.device,
    counter: Counter | None,
    shared: Callable[[], bool],
    batch_size: int = 1,
    seconds: float = MIN_SEC,
    clock: Clock = time.perf_counter,
) -> dict[str, Any]:
    """Run ``step`` for ``seconds`` and read the counter before and after.

    Args:
        step: one forward of ``batch_size`` images.
        counter: see ``find_counter``.
        shared: whether another process uses the device, or has since it was asked before; asked before and after.
        seconds: at least ``MIN_SEC``.

    Returns:
        ``joules_per_image``, ``watts`` (idle power included), ``counter``, ``steps``, ``seconds`` and ``reason``,
        which is empty for a measurement; otherwise it says why there is none and the rest is None.

    Raises:
        ValueError: ``seconds`` is below ``MIN_SEC``.
    """
    if seconds < MIN_SEC:
        raise ValueError(f'seconds is {seconds}; a counter needs at least {MIN_SEC:g}')
    nothing = dict.fromkeys(('joules_per_image', 'watts', 'counter', 'steps', 'seconds'))
    if counter is None:
        return {**nothing, 'reason': 'no energy counter that this process may read'}
    others = {**nothing, 'reason': 'the device is shared: its counter counts for others too'}
    if shared():
        return others
    _synchronise(device)
    before, start, steps = counter.joules(), clock(), 0
    while clock() - start < seconds:
        step()
        steps += 1
    _synchronise(device)
    spent, elapsed = counter.joules() - before, clock() - start
    if shared():
        return others
    return {
        'joules_per_image': spent / (steps * batch_size),
        'watts': spent / elapsed,
        'counter': counter.name,
        'steps': steps,
        'seconds': elapsed,
        'reason': '',
    }


def _gpu_counter(device: torch.device) -> Counter | None:
    try:
        import pynvml

        pynvml.nvmlInit()
        # The driver counts its cards in another order than torch, and those that are hidden from this process too.
        handle = pynvml.nvmlDeviceGetHandleByUUID(f'GPU-{torch.cuda.get_device_properties(device).uuid}')
        pynvml.nvmlDeviceGetTotalEnergyConsumption(handle)
    except Exception:
        # Not installed, no driver, or a card without the counter: all the same to the caller.
        return None
    return Counter('nvml total energy', lambda: pynvml.nvmlDeviceGetTotalEnergyConsumption(handle) / 1e3)


def _processor_counter(powercap: Path) -> Counter | None:
    try:
        # Beside packages there may be a counter of the whole platform, which counts them once more.
        packages = [path for path in sorted(powercap.glob('*-rapl:*')) if _name(path).startswith('package')]
        ranges = [_microjoules(path / 'max_energy_range_uj') for path in packages]
        last = [_microjoules(path / 'energy_uj') for path in packages]
    except (OSError, ValueError):
        return None
    if not packages:
        return None
    total = 0.0

    def joules() -> float:
        nonlocal total
        for index, path in enumerate(packages):
            now = _microjoules(path / 'energy_uj')
            # It wraps around after minutes to hours.
            total += (now - last[index]) % ranges[index] / 1e6
            last[index] = now
        return total

    return Counter('processor packages (powercap)', joules)


def _name(path: Path) -> str:
    return (path / 'name').read_text().strip()


def _microjoules(path: Path) -> int:
    return int(path.read_text())


def _synchronise(device: str | torch.device) -> None:
    if torch.device(device).type == 'cuda':
        torch.cuda.synchronize(device)
