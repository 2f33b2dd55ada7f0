"""Intervals from the choice of test images: bootstrap of scores that pool one confusion matrix an image. Pure.

Shapes: N images, K classes, R resamples, M blocks of images. Shares become percent, 0 to 100.
Neighbouring frames of a video say nearly the same, so what is drawn is blocks of consecutive frames, never single
frames of one sequence; an image without neighbours is a block of its own.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np
from scipy import special

from bench.judging.uncertainty import LEVEL

RESAMPLES = 1000
FEWEST_BLOCKS = 10
"""From this many blocks on there is an interval: a score of fewer varies in ways that its resamples do not."""


@dataclass(frozen=True)
class ImageCounts:
    """Pixels of each image by class, all [N, K]: rightly predicted, in the truth, in the prediction."""

    hits: np.ndarray
    truth: np.ndarray
    predicted: np.ndarray

    @classmethod
    def of(cls, matrices: np.ndarray) -> 'ImageCounts':
        """Return the counts of confusion matrices [N, K, K], rows the truth."""
        hits = np.diagonal(matrices, axis1=1, axis2=2)
        return cls(*(np.asarray(part, dtype=float) for part in (hits, matrices.sum(axis=2), matrices.sum(axis=1))))

    def __len__(self) -> int:
        return len(self.hits)


def blocks(sequences: Sequence[str]) -> np.ndarray:
    """Return the block [N] of every image, 0 to M - 1.

    Args:
        sequences: the recording each image belongs to; images of one recording stand in the order of time.

    A recording of n frames is cut into equal blocks of about ``2 * n ** (1/3)``, the order in which the best length
    grows (Künsch 1989, doi:10.1214/aos/1176347265): 11 frames for 171, all of the frames for three.
    """
    names = np.asarray(sequences)
    result = np.empty(len(names), dtype=np.int64)
    start = 0
    for name in dict.fromkeys(sequences):
        frames = np.flatnonzero(names == name)
        count = max(1, round(len(frames) / (2 * len(frames) ** (1 / 3))))
        result[frames] = start + np.arange(len(frames)) * count // len(frames)
        start += count
    return result


@dataclass(frozen=True)
class Grouping:
    """The block of each of N images, ``block_of`` [N], 0 to M - 1; every block has one at least."""

    block_of: np.ndarray

    @property
    def count(self) -> int:
        return len(self._ordered[1])

    def totals(self, values: np.ndarray) -> np.ndarray:
        """Return the sums [M, ...] of the ``values`` [N, ...] of each block's images."""
        order, starts = self._ordered
        return np.add.reduceat(values[order].astype(float), starts)

    @cached_property
    def _ordered(self) -> tuple[np.ndarray, np.ndarray]:
        order = np.argsort(self.block_of, kind='stable')
        return order, np.searchsorted(self.block_of[order], np.arange(int(self.block_of.max()) + 1))


class Choice(Protocol):
    """R choices of the same N images."""

    def sums(self, values: np.ndarray) -> np.ndarray:
        """Return the sums [R, ...] of the chosen images' ``values`` [N, ...]; whole numbers stay exact up to 2**53."""


@dataclass(frozen=True)
class Resamples:
    """Choices of whole blocks: ``weights`` [R, M] say how often each is taken."""

    grouping: Grouping
    weights: np.ndarray

    def sums(self, values: np.ndarray) -> np.ndarray:
        # A block is added up once for all resamples: CamVid's test split has ten times fewer blocks than images.
        totals = self.grouping.totals(values)
        return (self.weights @ totals.reshape(len(totals), -1)).reshape(-1, *totals.shape[1:])


@dataclass(frozen=True)
class LeftOut:
    """Choices of all images but those of one block, each of the M blocks in turn: the jackknife."""

    grouping: Grouping

    def sums(self, values: np.ndarray) -> np.ndarray:
        totals = self.grouping.totals(values)
        return totals.sum(axis=0) - totals


def draw(grouping: Grouping, seed: int, resamples: int = RESAMPLES) -> Resamples:
    """Draw, ``resamples`` times, as many of the blocks as there are, with replacement."""
    count = grouping.count
    drawn = np.random.default_rng(seed).multinomial(count, np.full(count, 1 / count), size=resamples)
    return Resamples(grouping, drawn.astype(float))


def score(counts: ImageCounts, chosen: Choice, metric: str, class_names: Sequence[str] = ()) -> np.ndarray:
    """Return a score [R], in percent, of every choice of the images; NaN where it is not defined.

    Args:
        metric: a key of a receipt's ``metrics``, or ``iou.<class>``.
        class_names: the K names; needed for ``iou.<class>``.

    Raises:
        ValueError: the metric does not follow from confusion matrices; names the choices.
    """
    if metric == 'miou_per_image':
        return 100 * _per_image(counts, chosen)
    name = metric.removeprefix('iou.')
    rule = _pooled_iou(list(class_names).index(name)) if name in class_names and name != metric else _POOLED.get(metric)
    if rule is None:
        raise ValueError(f'{metric!r} does not follow from confusion matrices; choose from {", ".join(POOLED)}')
    with np.errstate(invalid='ignore', divide='ignore'):
        joined = np.concatenate([counts.hits, counts.truth, counts.predicted], axis=1)
        return 100 * rule(*np.split(chosen.sums(joined), 3, axis=1))


def image_error(replicates: np.ndarray) -> float:
    """Return the standard error that the choice of images leaves in the mean over seeds of ``replicates`` [S, R].

    How differently images fall out from seed to seed is taken out: the spread over seeds has it already. Resamples
    without a defined score are left out.
    """
    defined = replicates[:, ~np.isnan(replicates).any(axis=0)]
    seeds, resamples = defined.shape
    if resamples < 2:
        return 0.0
    mean = defined.mean(axis=0)
    variance = float(mean.var(ddof=1))
    if seeds > 1:
        # The mean over seeds of the variance around the mean is (1 - 1/S) times a seed's own, which enters with 1/S.
        variance -= float((defined - mean).var(axis=1, ddof=1).mean()) / (seeds - 1)
    return max(variance, 0.0) ** 0.5


def image_interval(
    measured: float, drawn: np.ndarray, jackknife: np.ndarray, level: float = LEVEL
) -> tuple[float, float] | None:
    """Return the interval (low, high) of a score over the choice of images.

    Corrected for bias and skew (BCa; Efron 1987, doi:10.1080/01621459.1987.10478410): a pooled mIoU has both, because
    a rare class drops out of some resamples. Widened as Student's interval is wider than the normal one (Hesterberg
    2015, doi:10.1080/00031305.2015.1089789): what is drawn from M blocks varies too little.

    Args:
        measured: the score of all images.
        drawn: that of every resample [R]; NaN where it is not defined.
        jackknife: that without each block [M].

    Returns:
        None where there are fewer than ``FEWEST_BLOCKS`` or no resample has a score.
    """
    drawn = np.sort(drawn[~np.isnan(drawn)])
    if len(jackknife) < FEWEST_BLOCKS or not drawn.size:
        return None
    blocks_less_one = len(jackknife) - 1
    tail = special.ndtr(special.stdtrit(blocks_less_one, (1 - level) / 2) * (1 + 1 / blocks_less_one) ** 0.5)
    low, high = np.quantile(drawn, _corrected(np.array([tail, 1 - tail]), drawn, measured, jackknife))
    return float(low), float(high)


def _corrected(shares: np.ndarray, replicates: np.ndarray, measured: float, jackknife: np.ndarray) -> np.ndarray:
    """Return the shares of ``replicates`` that BCa reads the interval at."""
    below = (np.mean(replicates < measured) + np.mean(replicates <= measured)) / 2
    if not 0 < below < 1:
        return shares
    bias = special.ndtri(below)
    off = np.nanmean(jackknife) - jackknife[~np.isnan(jackknife)]
    squares = (off**2).sum()
    skew = (off**3).sum() / (6 * squares**1.5) if squares else 0.0
    shifted = bias + special.ndtri(shares)
    return special.ndtr(bias + shifted / (1 - skew * shifted))


def _per_image(counts: ImageCounts, chosen: Choice) -> np.ndarray:
    labelled = np.asarray(counts.truth.any(axis=1))
    with np.errstate(invalid='ignore', divide='ignore'):
        iou = counts.hits / (counts.truth + counts.predicted - counts.hits)
        own = np.where(labelled, _mean(iou, ~np.isnan(iou)), 0.0)
        return chosen.sums(own) / chosen.sums(labelled)


Rule = Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]
"""From hits, truth and prediction, all [R, K] pixels, to a share [R]."""


def _mean(values: np.ndarray, counted: np.ndarray) -> np.ndarray:
    return np.where(counted, values, 0.0).sum(axis=-1) / counted.sum(axis=-1)


def _miou(hits: np.ndarray, truth: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    union = truth + predicted - hits
    return _mean(hits / union, union > 0)


def _miou_absent_as_zero(hits: np.ndarray, truth: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    union = truth + predicted - hits
    share = np.where(union > 0, hits / union, 0.0).mean(axis=-1)
    return np.where(truth.any(axis=-1), share, np.nan)


def _pixel_accuracy(hits: np.ndarray, truth: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    return hits.sum(axis=-1) / truth.sum(axis=-1)


def _class_accuracy(hits: np.ndarray, truth: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    return _mean(hits / truth, truth > 0)


def _fw_iou(hits: np.ndarray, truth: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    # A class without pixels weighs nothing.
    weighted = np.where(truth > 0, truth * hits / (truth + predicted - hits), 0.0)
    return weighted.sum(axis=-1) / truth.sum(axis=-1)


def _pooled_iou(label: int) -> Rule:
    def rule(hits: np.ndarray, truth: np.ndarray, predicted: np.ndarray) -> np.ndarray:
        return hits[:, label] / (truth + predicted - hits)[:, label]

    return rule


_POOLED: dict[str, Rule] = {
    'miou': _miou,
    'miou_absent_as_zero': _miou_absent_as_zero,
    'pixel_accuracy': _pixel_accuracy,
    'class_accuracy': _class_accuracy,
    'fw_iou': _fw_iou,
}
POOLED = (*_POOLED, 'miou_per_image')
"""The scores that follow from one confusion matrix an image; so does ``iou.<class>``."""
