"""Quantities of a claim that follow from a run's training curves. Pure.

T optimiser steps, V validations. Losses are averaged over a twentieth of the steps before they are compared with
anything: one batch says little.
"""

import csv
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

FILE = 'curves.csv'


@dataclass(frozen=True)
class Curve:
    """``loss`` [T] by optimiser step at ``step`` [T]; ``epoch``, ``val_miou``, ``val_accuracy``, ``val_loss`` [V].

    A validation score that was not recorded is NaN.
    """

    step: np.ndarray
    loss: np.ndarray
    epoch: np.ndarray
    val_miou: np.ndarray
    val_accuracy: np.ndarray
    val_loss: np.ndarray


def read(path: Path) -> Curve | None:
    """Return the curves stored at ``path``, of the stages on the run's own data; None where there is no such file."""
    try:
        with path.open(newline='') as lines:
            head, *rows = list(csv.reader(lines)) or [[]]
    except FileNotFoundError:
        return None
    # By place: a dictionary a line takes most of the time of a report of thousands of runs.
    width = len(head)
    rows = [row if len(row) == width else (row + [''] * width)[:width] for row in rows]
    # The steps of a pre-training are counted.
    rows = of_own_data(head, rows)

    def told(name: str) -> list[list[str]]:
        place = head.index(name) if name in head else None
        return [] if place is None else [row for row in rows if row[place]]

    def column(chosen: list[list[str]], name: str) -> np.ndarray:
        place = head.index(name) if name in head else None
        return np.array([float('nan') if place is None else float(row[place] or 'nan') for row in chosen])

    steps, validations = told('loss'), told('val_miou')
    scores = [column(validations, name) for name in ('epoch', 'val_miou', 'val_pixel_accuracy', 'val_loss')]
    return Curve(column(steps, 'step'), column(steps, 'loss'), *scores)


def of_own_data(head: Sequence[str], rows: list[list[str]]) -> list[list[str]]:
    """Return the ``rows`` of the stages on the run's own data: a pre-training has losses and scores of its own."""
    if 'dataset' not in head:
        return rows
    place = head.index('dataset')
    whole = [row for row in rows if len(row) > place]
    return [row for row in whole if row[place] == whole[-1][place]]


def value(metric: str, curve: Curve) -> float | None:
    """Return ``metric``, one of ``CURVE_METRICS``, of a run; None where its curve is too short or lacks it."""
    result = _RULES[metric](curve)
    return None if result is None or not np.isfinite(result) else float(result)


def steps_to_loss(curve: Curve, reference: Curve) -> float | None:
    """Return after how many steps the smoothed loss is at the final one of ``reference``, or below.

    A run that never gets there counts with all its steps, which is too few: the difference from one that does is then
    a lower bound.
    """
    target = _final_train_loss(reference)
    return None if target is None else _steps_to(curve, target)


def steps_to_common_loss(curve: Curve, other: Curve) -> float | None:
    """Return after how many steps the smoothed loss is at the higher of both final ones, which both runs get to."""
    own, others = _final_train_loss(curve), _final_train_loss(other)
    return None if own is None or others is None else _steps_to(curve, max(own, others))


def _steps_to(curve: Curve, target: float) -> float | None:
    if not curve.loss.size:
        return None
    steps, smoothed = _smoothed(curve)
    below = np.flatnonzero(smoothed <= target)
    return float(steps[below[0]] if below.size else steps[-1])


def _smoothed(curve: Curve) -> tuple[np.ndarray, np.ndarray]:
    """Return the steps, and the mean loss of each one's window, a twentieth of the steps up to and with it."""
    width = max(1, curve.loss.size // 20)
    sums = np.cumsum(np.concatenate([[0.0], curve.loss]))
    return curve.step[width - 1 :], (sums[width:] - sums[:-width]) / width


def _last(values: np.ndarray, share: float, least: int) -> np.ndarray:
    """Return the last ``share`` of ``values``, at least ``least`` of them; empty where there are fewer."""
    count = max(least, round(values.size * share))
    return values[-count:] if values.size >= count else values[:0]


def _final_train_loss(curve: Curve) -> float | None:
    return float(_last(curve.loss, 0.1, 1).mean()) if curve.loss.size else None


def _final_val_loss(curve: Curve) -> float | None:
    return float(curve.val_loss[-1]) if curve.val_loss.size else None


def _train_loss_std(curve: Curve) -> float | None:
    tail = _last(curve.loss, 0.2, 2)
    return float(tail.std(ddof=1)) if tail.size else None


def _val_miou_std(curve: Curve) -> float | None:
    tail = _last(curve.val_miou, 0.2, 2)
    return float(tail.std(ddof=1)) if tail.size else None


def _first_pixel_accuracy(curve: Curve) -> float | None:
    return float(curve.val_accuracy[0]) if curve.val_accuracy.size else None


def _accuracy_slope(curve: Curve) -> float | None:
    """Percent an epoch, by least squares over the last third of the validations."""
    accuracy, epoch = _last(curve.val_accuracy, 1 / 3, 2), _last(curve.epoch, 1 / 3, 2)
    if not accuracy.size or not np.ptp(epoch):
        return None
    centred = epoch - epoch.mean()
    return float(centred @ accuracy / (centred @ centred))


def _loss_bump(curve: Curve) -> float | None:
    """Largest rise of the smoothed loss above its least value so far, as a share of that."""
    if not curve.loss.size:
        return None
    _, smoothed = _smoothed(curve)
    least = np.minimum.accumulate(smoothed)
    return float(np.max((smoothed - least) / least)) if (least > 0).all() else None


_RULES: dict[str, Callable[[Curve], float | None]] = {
    'final_train_loss': _final_train_loss,
    'final_val_loss': _final_val_loss,
    'train_loss_std': _train_loss_std,
    'val_miou_std': _val_miou_std,
    'first_pixel_accuracy': _first_pixel_accuracy,
    'accuracy_slope': _accuracy_slope,
    'loss_bump': _loss_bump,
}
CURVE_METRICS = tuple(_RULES)
"""What ``value`` knows."""
REFERRED: dict[str, Callable[[Curve, Curve], float | None]] = {
    'steps_to_loss': steps_to_loss,
    'steps_to_common_loss': steps_to_common_loss,
}
"""What needs the curve of another experiment beside a run's own."""
