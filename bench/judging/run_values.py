"""The value of a claim's metric in one receipt, one timing or one row of the counted table. Pure.

What was not measured is None, and so is a time that was taken while others shared the device.
"""

import re
from collections import Counter
from collections.abc import Callable, Mapping
from math import sqrt
from typing import Any, Literal

from bench.records import Receipt

GIGA = 1e9
NONE: Mapping[tuple[str, int], Receipt] = {}
Block = Mapping[str, Any] | None
_CAPACITY = re.compile(r'total capacity of ([\d.]+) GiB')

_COUNTED: dict[str, Callable[[Mapping[str, Any]], float | None]] = {
    'gflops': lambda row: _scaled(_at(row, 'cost', 'flops'), GIGA),
    'gmacs': lambda row: _scaled(_at(row, 'cost', 'macs'), GIGA),
    'params_millions': lambda row: _scaled(_at(row, 'cost', 'params'), 1e6),
    'training_gmacs': lambda row: _scaled(_at(row, 'training', 'macs'), GIGA),
    'training_gmacs_trunk': lambda row: _scaled(_at(row, 'training', 'macs_trunk'), GIGA),
}
COUNTED = frozenset(_COUNTED)
"""Exact quantities of a documented network; no run changes them."""

_TIMED: dict[str, Callable[[Receipt], float | None]] = {
    'latency_ms': lambda run: latency_ms(run.latency),
    'sec_per_step': lambda run: _at(run.train, 'sec_per_step'),
    'sec_per_epoch': lambda run: _ratio(_at(run.train, 'wall_sec'), _at(run.train, 'epochs')),
}
_MEMORY: dict[str, Callable[[Receipt], float | None]] = {
    'train_memory_gb': lambda run: _scaled(memory_bytes(run.memory, 'train', run.run_cost), GIGA),
    'inference_memory_gb': lambda run: _scaled(memory_bytes(run.memory, 'inference', run.run_cost), GIGA),
}
TIMED = frozenset(_TIMED)
MEMORY = frozenset(_MEMORY)
SPLIT = frozenset({'sec_per_step', 'sec_per_epoch', 'train_memory_gb'})
"""What a training costs, which depends on whether its batch was split."""
STEPS = frozenset({'sec_per_step', 'train_memory_gb'})
"""What ``run_all --cost --training`` measures of training steps at the documented size."""
AT_DOCUMENTED_SIZE = frozenset({'latency_ms', 'inference_memory_gb'}) | STEPS
"""What ``run_all --cost`` measures of every network at its documented size."""


def counted_value(metric: str, row: Mapping[str, Any]) -> float | None:
    """Return a counted ``metric`` from ``row``, which has a receipt's ``cost`` and perhaps ``training``."""
    return _COUNTED[metric](row)


def run_value(metric: str, run: Receipt) -> float | None:
    """Return ``metric`` of a run, as far as its receipt alone says it."""
    if metric in _TIMED:
        # A latency is taken while the run has the device to itself, and watched on its own: its block says so.
        return _TIMED[metric](run) if metric == 'latency_ms' or not shared(run) else None
    if metric in _MEMORY:
        return _MEMORY[metric](run)
    if metric == 'val_miou':
        return _at(run.validation, 'last_miou')
    if metric == 'generalisation_gap':
        train, test = _at(run.train_metrics, 'miou'), _at(run.metrics, 'miou')
        return None if train is None or test is None else train - test
    if metric.startswith('iou.'):
        return _at(run.metrics, 'per_class_iou', metric.removeprefix('iou.'))
    if metric.startswith('train_'):
        return _at(run.train_metrics, metric.removeprefix('train_'))
    return _at(run.metrics, metric)


def precise_miou(run: Receipt) -> float | None:
    """Return the mIoU with batch norm's statistics estimated anew; None where that was not scored."""
    return _at(run.precise_bn, 'metrics', 'miou')


def shared(run: Receipt) -> bool:
    """Return whether other runs, or programs of anybody's, were at work beside ``run``."""
    return run.contended or bool(_at(run.environment, 'others_at_work'))


def latency_ms(block: Block) -> float | None:
    """Return the median latency of a ``latency`` block, None where the device was shared."""
    return None if _at(block, 'contended') else _at(block, 'p50_ms')


def latency_error(block: Block) -> float | None:
    """Return the standard error of the median latency, from its 95 % interval; None where that was not taken."""
    low, high = _at(block, 'p50_low_ms'), _at(block, 'p50_high_ms')
    return None if low is None or high is None else (high - low) / (2 * 1.96)


def timed_value(metric: str, timing: Mapping[str, Any]) -> float | None:
    """Return a ``metric`` of ``AT_DOCUMENTED_SIZE`` of a record of ``run_all --cost``."""
    if metric == 'latency_ms':
        return latency_ms(timing.get('latency'))
    if metric == 'sec_per_step':
        training = timing.get('training')
        return None if _at(training, 'contended') else _at(training, 'sec_per_step')
    if metric == 'train_memory_gb':
        return _scaled(memory_bytes({'train': _at(timing, 'training', 'memory')}, 'train', timing.get('cost')), GIGA)
    return _scaled(memory_bytes(timing.get('memory'), 'inference', timing.get('cost')), GIGA)


def timed_error(metric: str, timing: Mapping[str, Any]) -> float | None:
    """Return the standard error of a time in a record of ``run_all --cost``; None where none was taken."""
    if metric == 'latency_ms':
        return latency_error(timing.get('latency'))
    parts = _at(timing, 'training', 'parts') or ()
    if metric != 'sec_per_step' or not parts:
        return None
    # Parts that are alike were timed once: their error is one.
    steps: Counter[tuple[Any, ...]] = Counter()
    errors: dict[tuple[Any, ...], float | None] = {}
    for part in parts:
        timed = tuple(part.get(name) for name in ('p50_ms', 'p50_low_ms', 'p50_high_ms', 'samples'))
        steps[timed] += part['steps']
        errors[timed] = latency_error(part)
    squares = [(steps[timed] * error / 1e3) ** 2 for timed, error in errors.items() if error is not None]
    return sqrt(sum(squares)) / steps.total() if len(squares) == len(errors) else None


def memory_bytes(memory: Block, work: Literal['train', 'inference'], cost: Block) -> float | None:
    """Return what a network takes for ``work``, its weights included, from blocks of a receipt or a timing.

    On a GPU the peak of the allocator. On a CPU what the process grew by, and the weights it held before in single
    precision: its own peak would be mostly that of a program with torch loaded, which is the same for every network.
    None where the system did not tell.
    """
    allocated, grown = _at(memory, work, 'allocated_bytes'), _at(memory, work, 'process_growth_bytes')
    if allocated is not None:
        return allocated
    params = _at(cost, 'params')
    return None if grown is None or params is None else grown + 4.0 * params


def memory_floor(run: Receipt) -> float | None:
    """Return the memory of the device, in 1e9 bytes, that was not enough for ``run``; 0 where its size is not known.

    None where the run did not run out of memory.
    """
    return capacity(run.reason) if run.status == 'oom' else None


def capacity(reason: str) -> float:
    """Return the device's memory, in 1e9 bytes, in the words of the allocator that refused; 0 where these lack it."""
    told = _CAPACITY.search(reason)
    return float(told[1]) * 2**30 / GIGA if told else 0.0


def lacking_weights(run: Receipt, finished: Mapping[tuple[str, int], Receipt] = NONE) -> str:
    """Return the name of the documented initial weights that ``run`` did without; empty where it had them.

    A run that starts from others lacks what they lacked: ``finished`` are the runs by experiment and seed.
    """
    documented, used = _at(run.init, 'documented'), _at(run.init, 'used')
    if documented not in (None, 'random') and used != documented:
        return str(documented)
    parents = (finished.get((start['parent'], run.seed)) for start in _at(run.init, 'start') or ())
    return next(filter(None, (lacking_weights(parent, finished) for parent in parents if parent)), '')


def _at(block: Block, *keys: str) -> Any:
    value: Any = block
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value


def _scaled(value: float | None, unit: float) -> float | None:
    return None if value is None else value / unit


def _ratio(value: float | None, by: float | None) -> float | None:
    return value / by if value is not None and by else None
