"""Figures of the classes: IoU of each for every model, and what the classes of the best model are taken for."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib import rc_context
from matplotlib.figure import Figure

from bench import store
from bench.render import figures
from bench.render.gather import Row, class_names
from bench.render.tables import class_iou
from bench.settings import Setting

SHOWN = 30
"""Models in a heat map, the best ones."""

_MAP = 'cividis'  # The same order of lightness with any kind of colour vision.


def heat_map(setting: Setting, rows: Sequence[Row]) -> bytes | None:
    """Draw the IoU (%) of each class for each model, best mIoU first; None if nothing was scored."""
    scored = [row for row in rows if row.setting == setting and row.first('metrics', 'per_class_iou')]
    if not scored:
        return None
    scored.sort(key=lambda row: -(row.spread('metrics', 'miou').mean or 0.0))
    scored, names = scored[:SHOWN], class_names(scored)
    values = np.array([[np.nan if (v := class_iou(row, name)) is None else v for name in names] for row in scored])
    with rc_context(figures.STYLE | {'axes.grid': False}):
        width = min(24.0, 4.5 + 0.5 * len(names))
        figure = Figure(figsize=(width, 1.9 + 0.26 * len(scored)), layout='constrained')
        axes = figure.subplots()
        image = axes.imshow(values, cmap=_MAP, vmin=0, vmax=100, aspect='auto')
        axes.set_xticks(range(len(names)), [_short(name) for name in names], rotation=60, ha='right', fontsize=8)
        axes.set_yticks(range(len(scored)), [figures.shortened(row.experiment) for row in scored], fontsize=8)
        _write(axes, values, 60)
        figure.colorbar(image, ax=axes, label='IoU (%)', shrink=0.8)
        figure.suptitle(figures.title('IoU of each class', setting), fontsize=11, x=0.01, ha='left')
        return figures.png(figure)


def confusion(setting: Setting, rows: Sequence[Row]) -> bytes | None:
    """Draw what the labelled pixels of each class are taken for (%), of the best model's first seed with matrices."""
    scored = [row for row in rows if row.setting == setting and row.spread('metrics', 'miou').values]
    scored.sort(key=lambda row: -(row.spread('metrics', 'miou').mean or 0.0))
    for row in scored:
        names = class_names([row])
        counts = _pooled(row.ok[0][0])
        if counts is not None and len(names) == len(counts):
            return _draw_confusion(setting, row, names, counts)
    return None


def _draw_confusion(setting: Setting, row: Row, names: Sequence[str], counts: np.ndarray) -> bytes:
    labelled = counts.sum(axis=1, keepdims=True)
    share = np.divide(100.0 * counts, labelled, out=np.full(counts.shape, np.nan), where=labelled > 0)
    with rc_context(figures.STYLE | {'axes.grid': False}):
        side = min(16.0, 3.6 + 0.42 * len(names))
        figure = Figure(figsize=(side + 1.2, side), layout='constrained')
        axes = figure.subplots()
        image = axes.imshow(share, cmap=_MAP, vmin=0, vmax=100)
        shown = [_short(name) for name in names]
        axes.set_xticks(range(len(names)), shown, rotation=60, ha='right', fontsize=8)
        axes.set_yticks(range(len(names)), shown, fontsize=8)
        _write(axes, share, 60)
        figures.label(axes, figures.shortened(row.experiment), 'predicted as', 'truth')
        figure.colorbar(image, ax=axes, label='share of the class (%)', shrink=0.8)
        figure.suptitle(figures.title('What the classes are taken for', setting), fontsize=11, x=0.01, ha='left')
        return figures.png(figure)


def _pooled(folder: Path) -> np.ndarray | None:
    stored = store.read_matrices(folder, 'test')
    return np.asarray(stored['test'].sum(axis=0), dtype=float) if stored else None


def _write(axes, values: np.ndarray, bright: float) -> None:  # type: ignore[no-untyped-def]
    """Write the numbers into the cells; none where they would be too many to be read."""
    if values.size > 450:
        return
    for (line, column), value in np.ndenumerate(values):
        if not np.isnan(value):
            colour = 'black' if value > bright else 'white'
            # Within its cell: measured for the layout, hundreds of such texts would take half of a figure's time.
            axes.text(column, line, f'{value:.0f}', ha='center', va='center', fontsize=7, color=colour, in_layout=False)


def _short(name: str) -> str:
    return name if len(name) <= 24 else f'{name[:23]}…'
