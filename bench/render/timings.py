"""The cost tables: networks counted and timed at their documented size, and their training, by device and precision."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pandas as pd

from bench.experiments import Catalogue
from bench.judging import run_values
from bench.render import cells
from bench.render.tables import Table

Timing = Mapping[str, Any]

_TAILS = {'p90_ms': 0.1, 'p95_ms': 0.05, 'p99_ms': 0.01}
"""Percentiles, and the share of the samples that lies beyond each."""
_TRAINING = 'training-'
"""What names of tables of training steps begin with."""
_LATENCIES = ('p50_ms', 'p50_low_ms', 'p50_high_ms', *_TAILS)


def cost_tables(timings: Iterable[Timing], catalogue: Catalogue) -> list[Table]:
    """Return one table for every device, precision and size that was timed, cheapest network first.

    Where training steps were timed there, a table of these follows.
    """
    groups: dict[tuple[str, str, str], list[Timing]] = {}
    for timing in sorted(timings, key=lambda one: (one['cost']['macs'], one['experiment'])):
        groups.setdefault((device_name(timing), timing['precision'], _given_size(timing)), []).append(timing)
    made = []
    for (device, precision, size), rows in sorted(groups.items()):
        made.append(_table(device, precision, size, rows, catalogue))
        trained = [row for row in rows if (row.get('training') or {}).get('parts')]
        if trained:
            made.append(_training_table(device, precision, trained))
    return made


def legend(table: Table) -> str:
    """Return what the columns of one of ``cost_tables`` mean."""
    shared = '[low, high] is the 95 % interval of what stands before it'
    if table.name.startswith(_TRAINING):
        return (
            f'Optimiser steps at the documented size and batch, on random pixels; {shared}. Parts of a batch: into how '
            'many it was split to fit the memory. Kinds of step: stages and turns of what is frozen, timed apart. All '
            'steps: what the documented training would take on this device, without reading, validation and scoring.'
        )
    return (
        f'One image at a time unless said otherwise; {shared}. Unsettled: times still drifted when sampling began. '
        'Best batch: the one with the most images a second, which stand beside it. (and N more): experiments that have '
        'the same network and differ in how it is trained.'
    )


def _given_size(timing: Timing) -> str:
    """Return the size that was asked for in place of the documented one, as HxW; nothing for that."""
    return '' if timing.get('as_documented', True) else 'x'.join(map(str, timing['cost']['input_shape'][1:]))


def device_name(timing: Timing) -> str:
    """Return the accelerator's name, or the processor's with its threads."""
    about = timing['environment']
    return about['device_name'] or f'{about["cpu"]}, {about["threads"]} threads'


def frame(timings: Sequence[Timing]) -> pd.DataFrame:
    """Return one line a timing, raw numbers with their unit in the column's name."""
    return pd.DataFrame(
        [
            {
                'experiment': one['experiment'],
                'same_network': ' '.join(one.get('same_network', ())),
                'device': device_name(one),
                'precision': one['precision'],
                'input_shape': 'x'.join(map(str, one['cost']['input_shape'])),
                'gmacs': one['cost']['macs'] / 1e9,
                'gflops': one['cost']['flops'] / 1e9,
                'params': one['cost']['params'],
                **{f'latency_{name}': one['latency'].get(name) for name in _LATENCIES},
                'images_per_sec': one['latency']['images_per_sec'],
                'samples': one['latency']['samples'],
                'best_batch': one.get('throughput', {}).get('batch_size'),
                'best_images_per_sec': one.get('throughput', {}).get('images_per_sec'),
                'joules_per_image': one.get('energy', {}).get('joules_per_image'),
                'inference_memory_bytes': run_values.memory_bytes(one['memory'], 'inference', one['cost']),
                'warmup_stable': one['latency'].get('warmup_stable'),
                'contended': one['latency']['contended'],
                **_training(one),
            }
            for one in sorted(timings, key=lambda one: (one['experiment'], one['device'], one['precision']))
        ]
    )


def _training(timing: Timing) -> dict[str, Any]:
    """Return what training steps take, for the data frame; nothing where none were timed."""
    known = timing.get('training') or {}
    return {
        **{f'train_{name}': known.get(name) for name in ('sec_per_step', 'images_per_sec', 'steps', 'accumulate')},
        'train_hours': None if known.get('wall_sec') is None else known['wall_sec'] / 3600,
        'train_memory_bytes': run_values.memory_bytes({'train': known.get('memory')}, 'train', timing['cost']),
        'train_contended': known.get('contended'),
        'train_reason': known.get('reason'),
    }


def _table(device: str, precision: str, size: str, rows: Sequence[Timing], catalogue: Catalogue) -> Table:
    columns = ('Experiment', 'Input (HxW)', 'Documented GFLOPs', 'Counted GFLOPs', 'Params (M)', 'Latency p50 (ms)',
               'p90 (ms)', 'p95 (ms)', 'p99 (ms)', 'Samples', 'Images/s', 'Best batch', 'Images/s there',
               'J/image', 'Memory (GiB)')  # fmt: skip
    return Table(
        name=f'timings-{_slug(device, precision)}{f"-{size}" if size else ""}',
        title=f'Cost at {size or "the documented size"}, {precision}, {device}',
        columns=columns,
        rows=tuple(_cells(row, catalogue, {each['experiment'] for each in rows}) for row in rows),
        marks=('ok',) * len(rows),
        files=tuple(str(row.get('file', '')) for row in rows),
    )


def _cells(row: Timing, catalogue: Catalogue, timed_apart: set[str]) -> tuple[str, ...]:
    known = catalogue.experiments.get(row['experiment'])
    documented = None if known is None or _given_size(row) else known.value('gflops')
    timed = row['latency']
    same = len({*row.get('same_network', ())} - timed_apart)
    return (
        row['experiment'] + (f' (and {same} more)' if same else ''),
        'x'.join(map(str, row['cost']['input_shape'][1:])),
        cells.number(documented),
        cells.scaled(row['cost']['flops'], 1e9),
        cells.scaled(row['cost']['params'], 1e6),
        _median(timed),
        # With fewer samples the slowest one would pass for the percentile.
        *(
            cells.milliseconds(timed[name] if timed['samples'] * beyond >= 1 else None)
            for name, beyond in _TAILS.items()
        ),
        f'{timed["samples"]}{" (unsettled)" if timed.get("warmup_stable") is False else ""}',
        cells.number(timed['images_per_sec']),
        str(row['throughput']['batch_size']) if 'throughput' in row else cells.DASH,
        cells.number(row.get('throughput', {}).get('images_per_sec')),
        cells.number(row.get('energy', {}).get('joules_per_image')),
        cells.scaled(run_values.memory_bytes(row['memory'], 'inference', row['cost']), 2**30),
    )


def _slug(device: str, precision: str) -> str:
    return ''.join(letter if letter.isalnum() else '-' for letter in f'{device}-{precision}'.lower())


def _training_table(device: str, precision: str, rows: Sequence[Timing]) -> Table:
    columns = ('Experiment', 'Input (HxW)', 'Batch', 'Parts of a batch', 'Kinds of step', 'Step (s)', 'Samples',
               'Images/s', 'Memory (GiB)', 'Documented epochs', 'Documented steps', 'All steps')  # fmt: skip
    return Table(
        name=f'{_TRAINING}{_slug(device, precision)}',
        title=f'Cost of training as documented, {precision}, {device}',
        columns=columns,
        rows=tuple(_training_cells(row) for row in rows),
        marks=('ok',) * len(rows),
        files=tuple(str(row.get('file', '')) for row in rows),
    )


def _training_cells(row: Timing) -> tuple[str, ...]:
    known, parts = row['training'], row['training']['parts']
    sizes, batches = ([part[name] for part in parts] for name in ('input_shape', 'batch_size'))
    peak = run_values.memory_bytes({'train': known.get('memory')}, 'train', row['cost'])
    ended = known.get('reason') or ''
    return (
        row['experiment'],
        _each('x'.join(map(str, size[2:])) for size in sizes),
        _each(map(str, batches)),
        _each(str(part['accumulate']) for part in parts),
        str(len(parts)),
        ended.partition(':')[0] if ended else _seconds(row),
        _each(str(part['samples']) for part in parts),
        cells.number(known.get('images_per_sec')),
        cells.scaled(peak, 2**30),
        cells.number(known.get('epochs'), 0),
        cells.number(known.get('steps'), 0),
        cells.duration(known.get('wall_sec')),
    )


def _each(values: Iterable[str]) -> str:
    """Return the distinct values, in their order."""
    return ', '.join(dict.fromkeys(values))


def _seconds(row: Timing) -> str:
    """Return the mean seconds a step with their 95 % interval where it was taken."""
    known, error = row['training'], run_values.timed_error('sec_per_step', row)
    mean = known['sec_per_step']
    told = '' if error is None else f' [{mean - 1.96 * error:.3g}, {mean + 1.96 * error:.3g}]'
    return f'{mean:.3g}{told}{" (contended)" if known.get("contended") else ""}'


def _median(timed: Mapping[str, Any]) -> str:
    """Return the median latency with its 95 % interval where it was taken, marked where the device was shared."""
    low, high = timed.get('p50_low_ms'), timed.get('p50_high_ms')
    told = '' if low is None or high is None else f' [{cells.milliseconds(low)}, {cells.milliseconds(high)}]'
    return cells.milliseconds(timed['p50_ms']) + told + (' (contended)' if timed['contended'] else '')
