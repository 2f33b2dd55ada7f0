"""Read a run's ``curves.csv``. Plain lists; a value that was not recorded is left out."""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite
from pathlib import Path

from bench.judging.curve_values import of_own_data

CURVES = 'curves.csv'


@dataclass(frozen=True)
class Curve:
    """Training loss and validation mIoU (percent) against epochs; the two have their own epochs."""

    loss_epochs: tuple[float, ...] = ()
    loss: tuple[float, ...] = ()
    miou_epochs: tuple[float, ...] = ()
    miou: tuple[float, ...] = ()


def read(folder: Path) -> Curve:
    """Return the curve of the run in ``folder``, of its stages on its own data, without rows that are not whole.

    An empty one where there is none.
    """
    try:
        with (folder / CURVES).open(newline='') as lines:
            header, *rows = list(csv.reader(lines)) or [[]]
    except OSError:
        return Curve()
    rows = of_own_data(header, rows)
    loss, miou = _points(header, rows, 'loss'), _points(header, rows, 'val_miou')
    return Curve(*_columns(loss), *_columns(miou))


def smoothed(values: Sequence[float], share: float = 0.05) -> list[float]:
    """Return the running mean over the last ``share`` of the values, at least one, of the same length."""
    width = max(1, round(len(values) * share))
    means, total = [], 0.0
    for index, value in enumerate(values):
        total += value - (values[index - width] if index >= width else 0.0)
        means.append(total / min(index + 1, width))
    return means


def _points(header: Sequence[str], rows: Sequence[Sequence[str]], column: str) -> list[tuple[float, float]]:
    if 'epoch' not in header or column not in header:
        return []
    x, y = header.index('epoch'), header.index(column)
    points = []
    for row in rows:
        try:
            point = float(row[x]), float(row[y])
        except (IndexError, ValueError):
            continue
        if isfinite(point[1]):
            points.append(point)
    return points


def _columns(points: Sequence[tuple[float, float]]) -> tuple[tuple[float, ...], tuple[float, ...]]:
    return tuple(x for x, _ in points), tuple(y for _, y in points)
