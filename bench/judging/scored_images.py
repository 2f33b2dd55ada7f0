"""The confusion matrices stored beside a run, and its scores on resampled images.

R resamples, N images, M blocks of them, K classes. The draws depend on the names of the images alone: two runs that
scored the same images are resampled alike, so their replicates can be subtracted; runs on other images are drawn apart.
"""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Literal

import numpy as np

from bench import store
from bench.data_sets import registry
from bench.judging.resampling import POOLED, Grouping, ImageCounts, LeftOut, Resamples, blocks, draw, score

Split = Literal['test', 'train', 'val']
VALIDATED = 'val_miou'
"""The one score of the last validation: its matrices are stored, where they are, as split ``val``."""
INTERVAL = 'miou'
"""The score of the test images whose interval over their choice is told of every experiment."""
GAP = 'generalisation_gap'
RATIO = 'class_pixel_ratio.'
DETAIL = {'boundary_f': 'boundary_f', 'miou_small': 'objects', 'miou_large': 'objects'}
"""Metrics that need more than confusion matrices, and the array of counts, one an image, that they follow from."""


def follows_from_images(metric: str) -> bool:
    """Return whether ``metric`` can be computed again from stored confusion matrices."""
    known = (*POOLED, *DETAIL, GAP, VALIDATED)
    return metric in known or metric.removeprefix('train_') in POOLED or metric.startswith(('iou.', RATIO))


@dataclass(frozen=True)
class Replicates:
    """A score on other choices of the images: ``drawn`` [R] on resamples, ``jackknife`` [M] without each block.

    ``freedom`` is the number of blocks less one, ``images`` stands for the names of the images. Only the mIoU of the
    test images, whose interval is told, has a jackknife.
    """

    drawn: np.ndarray
    freedom: float
    images: int = 0
    jackknife: np.ndarray = field(default_factory=lambda: np.empty(0))


class ScoredImages:
    """What one run's ``confusion.npz`` holds, read when first asked for.

    Args:
        folder: of the run.
        dataset: its data set's name, which knows how file names tell recordings apart.
        class_names: of the K classes.
    """

    def __init__(self, folder: Path, dataset: str, class_names: Sequence[str]):
        self.folder, self.dataset, self.class_names = folder, dataset, tuple(class_names)
        self._splits: dict[Split, tuple[ImageCounts, tuple[str, ...]] | None] = {}

    def replicates(self, metric: str) -> Replicates | None:
        """Return ``metric`` of every resample; None where nothing is stored, or not of the class that it names."""
        if metric == GAP:
            train, test = self._score('train', 'miou'), self._score('test', 'miou')
            if train is None or test is None:
                return None
            return Replicates(train.drawn - test.drawn, min(train.freedom, test.freedom))
        if metric.startswith(RATIO):
            return self._pixel_ratios(metric)
        if metric in DETAIL:
            return self._resample_detail(metric)
        if metric == VALIDATED:
            return self._score('val', 'miou')
        split: Split = 'train' if metric.startswith('train_') else 'test'
        return self._score(split, metric.removeprefix('train_'))

    def pixel_ratio(self, metric: str) -> float | None:
        """Return ``class_pixel_ratio.<a>/<b>``: labelled pixels of one class over another's in the training images."""
        found, labels = self._read('train'), self._labels(metric)
        if found is None or labels is None:
            return None
        first, second = found[0].truth.sum(axis=0)[list(labels)]
        return float(first / second) if second else None

    def detail(self, metric: str) -> float | None:
        """Return one of ``DETAIL`` over all test images, None where its counts were not stored."""
        counts = self._detail.get(DETAIL[metric])
        if counts is None:
            return None
        value = float(_score_detail(metric, counts.sum(axis=0)[None])[0])
        return None if np.isnan(value) else value

    def images(self, split: Split) -> int:
        """Return how many images of ``split`` were scored."""
        found = self._read(split)
        return 0 if found is None else len(found[0])

    def _score(self, split: Split, metric: str) -> Replicates | None:
        found = self._read(split)
        name = metric.removeprefix('iou.')
        if found is None or (name != metric and name not in self.class_names):
            return None
        chosen = _resamples(self.dataset, found[1])
        replicates = _replicates(score(found[0], chosen, metric, self.class_names), chosen)
        if (split, metric) != ('test', INTERVAL):
            return replicates
        jackknife = score(found[0], LeftOut(chosen.grouping), metric)
        return replace(replicates, images=_number(found[1]), jackknife=jackknife)

    def _pixel_ratios(self, metric: str) -> Replicates | None:
        found, labels = self._read('train'), self._labels(metric)
        if found is None or labels is None:
            return None
        chosen = _resamples(self.dataset, found[1])
        first, second = (chosen.sums(found[0].truth[:, label]) for label in labels)
        return _replicates(np.divide(first, second, out=np.full_like(first, np.nan), where=second > 0), chosen)

    def _resample_detail(self, metric: str) -> Replicates | None:
        found, counts = self._read('test'), self._detail.get(DETAIL[metric])
        if found is None or counts is None or len(counts) != len(found[1]):
            return None
        chosen = _resamples(self.dataset, found[1])
        return _replicates(_score_detail(metric, chosen.sums(counts)), chosen)

    @cached_property
    def _detail(self) -> dict[str, np.ndarray]:
        """The counts of ``measure.detail`` by name, images first; none where they were not stored."""
        return store.read_matrices(self.folder, *DETAIL.values())

    def _labels(self, metric: str) -> tuple[int, int] | None:
        names = metric.removeprefix(RATIO).split('/')
        if len(names) != 2 or not set(names) <= set(self.class_names):
            return None
        return self.class_names.index(names[0]), self.class_names.index(names[1])

    def _read(self, split: Split) -> tuple[ImageCounts, tuple[str, ...]] | None:
        """Return the counts of ``split`` and its images' names, None where they were not stored for these classes."""
        if split not in self._splits:
            stored = store.read_matrices(self.folder, split, f'{split}_names')
            matrices = stored.get(split, np.zeros(0))
            whole = len(stored) == 2 and len(matrices) > 0 and matrices.shape[1] == len(self.class_names)
            names = tuple(stored[f'{split}_names'].tolist()) if whole else ()
            self._splits[split] = (ImageCounts.of(matrices), names) if whole else None
        return self._splits[split]


def _score_detail(metric: str, counts: np.ndarray) -> np.ndarray:
    """Return a metric, in percent, of pooled counts [R, K, ...], averaged over the classes that have one."""
    # Imported here: they bring OpenCV, which the verdicts of most claims do without.
    from bench.measure import boundary, objects

    if metric == 'boundary_f':
        shares = boundary.f_scores(counts)
    else:
        shares = objects.object_iou(counts)[..., objects.SIZES.index(metric.removeprefix('miou_'))]
    defined = ~np.isnan(shares)
    with np.errstate(invalid='ignore'):
        return 100 * np.where(defined, shares, 0.0).sum(axis=-1) / defined.sum(axis=-1)


def _replicates(drawn: np.ndarray, chosen: Resamples) -> Replicates:
    return Replicates(drawn, float(chosen.grouping.count - 1))


@lru_cache(maxsize=16)
def _resamples(dataset: str, names: tuple[str, ...]) -> Resamples:
    """Return the resamples of these images."""
    known = dataset in registry.NAMES
    # An image of a data set that is not known here stands alone.
    block_of = blocks([registry.sequence(dataset, name) if known else name for name in names])
    return draw(Grouping(block_of), seed=_number(names))


def _number(names: Sequence[str]) -> int:
    return zlib.crc32('\n'.join(names).encode())
