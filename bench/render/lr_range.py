"""The loss against the learning rate, of runs that stored a range test: ``lr_range.csv`` with step, lr, loss."""

import csv
from collections.abc import Sequence
from math import isfinite, log
from pathlib import Path

from matplotlib import rc_context
from matplotlib.figure import Figure

from bench.render import figures
from bench.render.curves import smoothed
from bench.render.gather import Row
from bench.settings import Setting

FILE = 'lr_range.csv'


def read(folder: Path) -> list[tuple[float, float]]:
    """Return learning rate and loss of each step in ``folder``; rows that are not whole are left out."""
    try:
        with (folder / FILE).open(newline='') as lines:
            rows = list(csv.DictReader(lines))
    except OSError:
        return []
    points = []
    for row in rows:
        try:
            point = float(row['lr']), float(row['loss'])
        except (KeyError, TypeError, ValueError):
            continue
        if point[0] > 0 and isfinite(point[0]) and isfinite(point[1]):
            points.append(point)
    return points


def steepest(points: Sequence[tuple[float, float]]) -> float | None:
    """Return the learning rate at which the smoothed loss falls fastest per factor; None where it never falls.

    Source: Smith 2017, "Cyclical learning rates for training neural networks", arXiv:1506.01186, read as usual.
    """
    if len(points) < 3:
        return None
    loss = smoothed([y for _, y in points])
    slopes = [
        ((loss[i + 1] - loss[i - 1]) / log(points[i + 1][0] / points[i - 1][0]), points[i][0])
        for i in range(1, len(points) - 1)
        if points[i + 1][0] != points[i - 1][0]
    ]
    falling = [slope for slope in slopes if slope[0] < 0]
    return min(falling)[1] if falling else None


def draw(report: str, setting: Setting, rows: Sequence[Row]) -> bytes | None:
    """Draw the smoothed loss against the learning rate (log scale), a line a run; None where no run was tested."""
    lines = [
        (f'{row.name}, seed {receipt.seed}', points)
        for row in rows
        if row.setting == setting
        for folder, receipt in row.ok
        if (points := read(folder))
    ]
    if not lines:
        return None
    with rc_context(figures.STYLE):
        figure = Figure(figsize=(9.5, 4.2), layout='constrained')
        axes = figure.subplots()
        axes.set_xscale('log')
        for index, (name, points) in enumerate(lines):
            loss = smoothed([y for _, y in points])
            axes.plot([x for x, _ in points], loss, linewidth=1.3, label=name, **figures.line_style(index))
            rate = steepest(points)
            if rate is not None:
                height = next(y for (x, _), y in zip(points, loss, strict=True) if x == rate)
                axes.plot(rate, height, 'o', markersize=5, color=figures.line_style(index)['color'])
        figures.label(axes, 'Dot: where the loss falls fastest', 'learning rate (log scale)', 'training loss, smoothed')
        figure.legend(loc='outside lower center', ncols=4, fontsize=8)
        figure.suptitle(figures.title(f'{report}: learning-rate range test', setting), fontsize=11, x=0.01, ha='left')
        return figures.png(figure)
