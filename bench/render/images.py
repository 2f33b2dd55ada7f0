"""The images that a run did worst on, from the confusion matrices beside it. Shapes: N images, K classes."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bench import store
from bench.measure.accuracy import class_iou
from bench.render.gather import Row

ATTENTION = '_attention_'
WORST = 12
"""Images listed of a run beside those whose panels it stored."""


@dataclass(frozen=True)
class Scored:
    """One image of a run: its mIoU in percent (None: nothing of it is labelled) and whether panels of it are stored.

    ``scales`` are those of the attention maps beside its panels, the smallest first.
    """

    stem: str
    miou: float | None
    panels: bool
    scales: tuple[str, ...] = ()


def image_miou(matrices: np.ndarray) -> np.ndarray:
    """Return the mIoU in percent [N] of confusion matrices [N, K, K], over the classes of each; NaN without labels."""
    iou = class_iou(matrices)
    with np.errstate(invalid='ignore'):
        return 100 * np.nansum(iou, axis=1) / (~np.isnan(iou)).sum(axis=1)


def read(folder: Path) -> dict[str, float]:
    """Return the mIoU in percent of each test image of the run in ``folder``, by its stem; {} without matrices."""
    stored = store.read_matrices(folder, 'test', 'test_names')
    if len(stored) < 2:
        return {}
    return dict(zip(stored['test_names'].tolist(), image_miou(stored['test']).tolist(), strict=False))


def worst(row: Row) -> list[Scored]:
    """Return the images with panels and the ``WORST`` others of the row's first finished run, the worst first."""
    if not row.ok:
        return []
    folder = row.ok[0][0]
    scores = {stem: None if value != value else value for stem, value in read(folder).items()}
    drawn, maps = stored_panels(folder / 'panels'), attention_scales(folder / 'panels')
    found = [Scored(stem, scores.get(stem), stem in drawn, maps.get(stem, ())) for stem in {*scores, *drawn}]
    found.sort(key=lambda one: (one.miou is None, one.miou or 0.0, one.stem))
    return [one for place, one in enumerate(found) if one.panels or place < WORST]


def attention_scales(folder: Path) -> dict[str, tuple[str, ...]]:
    """Return the scales of the attention maps in ``folder`` by the stem of their image."""
    found: dict[str, list[str]] = {}
    for path in folder.glob(f'*{ATTENTION}*.png'):
        stem, _, scale = path.stem.rpartition(ATTENTION)
        found.setdefault(stem, []).append(scale)
    return {stem: tuple(sorted(scales, key=float)) for stem, scales in found.items()}


def stored_panels(folder: Path) -> set[str]:
    """Return the stems of the images of which all three files are in ``folder``."""
    endings = ('image.jpg', 'truth.png', 'prediction.png')
    names = [path.name for path in folder.iterdir()] if folder.is_dir() else []
    each = [{name.removesuffix(f'_{end}') for name in names if name.endswith(f'_{end}')} for end in endings]
    return set.intersection(*each)
