"""The devices of this machine and what runs may use of each. Asked of the system: importing torch costs a second."""

import os
import subprocess
from collections.abc import Sequence

from bench import cgroups
from bench.errors import PlanError, UnknownName
from bench.execute.schedule import Place

USABLE_SHARE = 0.85
"""Share of a device's memory that runs may fill by forecast; the rest is for what a forecast cannot see."""


def find_device(name: str) -> str:
    """Return ``cpu`` or ``cuda[:N]``; ``auto`` is CUDA where a card and a torch that can use it are there.

    Raises:
        PlanError: a card is asked of a torch that can use none, or all are hidden from it.
        UnknownName: another word.
    """
    if name == 'auto':
        return 'cuda' if _has_cuda() else 'cpu'
    if name == 'cpu':
        return name
    if name == 'cuda' or (name.startswith('cuda:') and name[5:].isdigit()):
        if _torch_is_for_cpus():
            raise PlanError(f'--device {name}: the installed torch is a build for processors alone; choose cpu')
        if _visible() == []:
            hidden = os.environ['CUDA_VISIBLE_DEVICES']
            raise PlanError(f'--device {name}: CUDA_VISIBLE_DEVICES={hidden!r} hides every GPU; choose cpu')
        return name
    raise UnknownName('device', name, ('auto', 'cpu', 'cuda', 'cuda:0', 'cuda:1'))


def find_devices(name: str, gpus: Sequence[int] = ()) -> tuple[str, ...]:
    """Return the devices that a plan is spread over: the one called ``name``, or ``gpus`` where some are listed.

    Raises:
        PlanError: ``gpus`` stands beside a ``name`` that says something else, or one of them is not there.
        UnknownName: see ``find_device``.
    """
    if not gpus:
        return (find_device(name),)
    listed = ','.join(map(str, gpus))
    if name not in ('auto', 'cuda'):
        raise PlanError(f'--gpus {listed} --device {name}: choose one of the two')
    count = count_gpus()
    if missing := [gpu for gpu in gpus if gpu >= count]:
        seen = f'GPUs 0 to {count - 1}' if count else 'no GPU'
        raise PlanError(f'--gpus {listed}: there is no GPU {missing[0]}, this machine shows {seen}')
    return tuple(f'cuda:{gpu}' for gpu in gpus)


def slots(devices: Sequence[str], jobs: int | None, jobs_per_gpu: int | None, default: int) -> int:
    """Return how many jobs may share each device: ``jobs_per_gpu``, else enough for ``jobs``, else ``default``.

    Raises:
        PlanError: ``jobs_per_gpu`` where the devices are no GPUs.
    """
    if jobs_per_gpu is None:
        return -(-jobs // len(devices)) if jobs else default
    if not devices[0].startswith('cuda'):
        raise PlanError(
            f'--jobs-per-gpu {jobs_per_gpu}: the runs use the {devices[0]}, not a GPU; --jobs N is for those'
        )
    return jobs_per_gpu


def places(devices: Sequence[str], slots_each: int) -> tuple[Place, ...]:
    """Return the devices as places for a schedule, each with the memory that forecasts may fill."""
    return tuple(Place(device, slots_each, int(USABLE_SHARE * device_bytes(device))) for device in devices)


def card(device: str) -> str:
    """Return what the system calls the card ``cuda[:N]``: the entry of ``CUDA_VISIBLE_DEVICES``, else N itself."""
    place = int(device.partition(':')[2] or 0)
    seen = _visible()
    return seen[place] if seen is not None and place < len(seen) else str(place)


def device_bytes(device: str) -> int:
    """Return the memory of the machine, as far as a container may use it, or of the CUDA device that the runs use.

    Raises:
        PlanError: the card's is unknown.
    """
    if device == 'cpu':
        import psutil

        total = psutil.virtual_memory().total
        return min(total, cgroups.memory_bytes() or total)
    told = _asked(device, 'memory.total')
    if told is None:
        raise PlanError(f'{device}: nvidia-smi does not say how much memory card {card(device)} has')
    return told * 2**20


def gpu_use_percent(device: str) -> int | None:
    """Return how busy the card was in the last moment, by whomever, in percent; None where nothing can be learnt."""
    return _asked(device, 'utilization.gpu')


def unique_card(device: str) -> str:
    """Return one name for the card ``cuda[:N]``, however processes call it: its UUID, else that of ``card``."""
    name = card(device)
    # Asked of a slice, the program may answer with the whole card, which others use meanwhile.
    return name if name.startswith('MIG') else _answer(device, 'uuid') or name


def _asked(device: str, what: str) -> int | None:
    told = _answer(device, what)
    # MIG slices answer with words.
    return int(told) if told and told.isdecimal() else None


def _answer(device: str, what: str) -> str | None:
    """Return the first word of what nvidia-smi says of a card; None where there is no such program or card."""
    query = ['nvidia-smi', f'--id={card(device)}', f'--query-gpu={what}', '--format=csv,noheader,nounits']
    try:
        answer = subprocess.run(query, capture_output=True, text=True, timeout=20, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return next(iter(answer.stdout.split()), None)


def count_gpus() -> int:
    """Return how many GPUs there are for this process; 0 where torch could use none."""
    if _torch_is_for_cpus():
        return 0
    seen = _visible()
    if seen is not None:
        return len(seen)
    try:
        answer = subprocess.run(['nvidia-smi', '-L'], capture_output=True, text=True, timeout=20, check=False)
    except (OSError, subprocess.SubprocessError):
        return 0
    lines = answer.stdout.splitlines() if answer.returncode == 0 else []
    return sum(line.startswith('GPU ') for line in lines)


def _visible() -> list[str] | None:
    chosen = os.environ.get('CUDA_VISIBLE_DEVICES')
    if chosen is None:
        return None
    listed = [one.strip() for one in chosen.split(',') if one.strip()]
    # CUDA takes no notice of what follows a negative number, which is how all cards are hidden.
    return listed[: next((place for place, one in enumerate(listed) if one.startswith('-')), len(listed))]


def _torch_is_for_cpus() -> bool:
    from importlib import metadata

    return '+cpu' in metadata.version('torch')


def _has_cuda() -> bool:
    # With some listed, whether the driver answers still decides.
    if _torch_is_for_cpus() or _visible() == []:
        return False
    try:
        return subprocess.run(['nvidia-smi', '-L'], capture_output=True, timeout=20, check=False).returncode == 0
    except (OSError, subprocess.SubprocessError):
        return False
