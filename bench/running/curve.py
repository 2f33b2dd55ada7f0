"""The ``curves.csv`` of a training: a row a step, others for validations. Text in, text out."""

import csv
from collections.abc import Sequence
from pathlib import Path

from bench import hooks

FILE = 'curves.csv'
UNSETTLED = 2 * hooks.READ_EVERY
"""Steps at the beginning of a training on a GPU that do not tell what a step takes; the device is waited for after the
last of them."""

Row = dict[str, str]


def read(path: Path) -> list[Row]:
    """Return the rows of a CSV file written while training."""
    with path.open(newline='') as lines:
        return list(csv.DictReader(lines))


def settled(rows: Sequence[Row], device: str, began: int = 0) -> tuple[int, float]:
    """Return how many steps tell what a step takes, and their seconds.

    On a GPU not the first ones of a process: they load kernels and choose them, which takes as long as hundreds of
    steps. The last process began after ``began`` steps; those before it count where it made too few.
    """
    ends = [(int(row['step']), float(row['sec'])) for row in rows if row['loss']]
    if not device.startswith('cuda') or len(ends) <= 2 * UNSETTLED:
        return ends[-1]
    before = sum(step <= began for step, _ in ends)
    left_out = UNSETTLED + (before if len(ends) - before > 2 * UNSETTLED else 0)
    step, sec = ends[left_out - 1]
    return ends[-1][0] - step, ends[-1][1] - sec


def validations(rows: Sequence[Row], dataset: str) -> list[tuple[float, int]]:
    """Return the mIoU (percent) and the step of each validation on ``dataset``; see ``joined``.

    A stage that pre-trains on another data set is validated on that one: its scores say nothing here.
    """
    return [(float(row['val_miou']), int(row['step'])) for row in rows if row['val_miou'] and row['dataset'] == dataset]


def joined(files: Sequence[Path], datasets: Sequence[str]) -> str:
    """Return the curve of a training from those of its stages: steps, epochs and seconds are counted on.

    ``datasets`` names what each stage was trained and validated on; it becomes the last column, ``dataset``.
    """
    rows: list[Row] = []
    step, epoch, sec = 0, 0.0, 0.0
    for file, dataset in zip(files, datasets, strict=True):
        for row in read(file):
            moved = {
                'step': str(step + int(row['step'])),
                'epoch': f'{epoch + float(row["epoch"]):.4f}',
                'sec': f'{sec + float(row["sec"]):.3f}',
                'dataset': dataset,
            }
            rows.append({**row, **moved})
        step, epoch, sec = int(rows[-1]['step']), float(rows[-1]['epoch']), float(rows[-1]['sec'])
    return '\n'.join([','.join(rows[0]), *(','.join(row.values()) for row in rows)]) + '\n'
