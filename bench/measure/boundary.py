"""Boundary F-score and boundary IoU: how well the outlines of the classes are met.

Sources: boundary F: Csurka, Larlus & Perronnin, BMVC 2013, with their tolerance of 0.75 % of the image diagonal;
boundary IoU: Cheng et al., CVPR 2021, arXiv:2103.16562, with their 2 %. Both are counted per image and class in
integers that add up over images, and scored on the pooled counts.

A class begins and ends where a labelled pixel of another class lies beside it; contact with an ignored pixel or with
the edge of the image is no boundary (the second paper counts the edge as one), and a pixel with an ignored one within
the width is left out. How much of the truth's boundary that is, is counted too.

Shapes: N images, K classes, H x W pixels. Maps are those of ``maps.seen_maps``.
"""

from functools import cache
from itertools import groupby, product
from math import floor, hypot

import cv2
import numpy as np

from bench.measure.maps import UNSEEN

F_WIDTH = 0.0075
IOU_WIDTH = 0.02
"""Widths as shares of the image diagonal."""
F_COUNTS = ('truth', 'found', 'predicted', 'right', 'left_out')
"""Boundary pixels: of the truth, those of them with a predicted one of their class within the width, predicted,
those of them with a true one within the width, and of the truth but left out."""
IOU_COUNTS = ('truth', 'predicted', 'both', 'left_out')
"""Pixels of the band inside a class: of the truth, of the prediction, of both, and of the truth but left out."""


def f_counts(prediction: np.ndarray, truth: np.ndarray, classes: int, width: float = F_WIDTH) -> np.ndarray:
    """Match boundary pixels of ``prediction`` and ``truth`` [H, W] at most ``width`` diagonals, or one pixel, apart.

    Distances are Euclidean between pixel centres; every boundary is one pixel wide on either side of the change.

    Returns:
        int64 [K, 5], columns ``F_COUNTS``.
    """
    reach = max(1.0, width * hypot(*truth.shape))
    of_truth, of_prediction = (np.where(band(values, 1), values, np.uint8(UNSEEN)) for values in (truth, prediction))
    hidden = grown(truth == UNSEEN, floor(reach))
    true, predicted = (np.where(hidden, np.uint8(UNSEEN), outline) for outline in (of_truth, of_prediction))
    columns = (
        true[true != UNSEEN],
        _matched(true, of_prediction, reach),
        predicted[predicted != UNSEEN],
        _matched(predicted, of_truth, reach),
        of_truth[hidden & (of_truth != UNSEEN)],
    )
    return np.stack([np.bincount(values, minlength=classes) for values in columns], axis=1)


def iou_counts(prediction: np.ndarray, truth: np.ndarray, classes: int, width: float = IOU_WIDTH) -> np.ndarray:
    """Count, in the bands ``width`` diagonals (at least one pixel) deep inside each class, what both maps share.

    Depth is counted in rows and columns, as the paper's repeated erosion by 3 x 3 does.

    Returns:
        int64 [K, 4], columns ``IOU_COUNTS``.
    """
    depth = max(1, round(width * hypot(*truth.shape)))
    of_truth, of_prediction = band(truth, depth), band(prediction, depth)
    clear = ~grown(truth == UNSEEN, depth)
    both = of_truth & of_prediction & (truth == prediction)
    masks = ((truth, of_truth & clear), (prediction, of_prediction & clear), (truth, both & clear))
    columns = [*masks, (truth, of_truth & ~clear)]
    return np.stack([np.bincount(values[mask], minlength=classes) for values, mask in columns], axis=1)


def band(labels: np.ndarray, depth: int) -> np.ndarray:
    """Return which pixels of ``labels`` [H, W] have one of another class at most ``depth`` rows and columns away."""
    window = np.ones((2 * depth + 1, 2 * depth + 1), np.uint8)
    seen = labels != UNSEEN
    # UNSEEN is above every class and 0 below none, so neither can be taken for another class.
    lowest, highest = cv2.erode(labels, window), cv2.dilate(np.where(seen, labels, np.uint8(0)), window)
    return seen & ((lowest != labels) | (highest != labels))


def grown(mask: np.ndarray, reach: int) -> np.ndarray:
    """Return which pixels have a true one of ``mask`` [H, W] at most ``reach`` rows and columns away."""
    return cv2.dilate(mask.view(np.uint8), np.ones((2 * reach + 1, 2 * reach + 1), np.uint8)).view(bool)


def f_scores(counts: np.ndarray) -> np.ndarray:
    """Return the boundary F-score [..., K] of ``counts`` [..., K, 5] as a share, NaN where neither map has any."""
    true, found, predicted, right = (counts[..., column] for column in range(4))
    recall = np.divide(found, true, out=np.zeros(true.shape), where=true > 0)
    precision = np.divide(right, predicted, out=np.zeros(true.shape), where=predicted > 0)
    total = precision + recall
    score = np.divide(2 * precision * recall, total, out=np.zeros(true.shape), where=total > 0)
    return np.where((true > 0) | (predicted > 0), score, np.nan)


def iou_scores(counts: np.ndarray) -> np.ndarray:
    """Return the boundary IoU [..., K] of ``counts`` [..., K, 4] as a share, NaN where neither map has any."""
    both = counts[..., 2]
    union = counts[..., 0] + counts[..., 1] - both
    return np.divide(both, union, out=np.full(both.shape, np.nan), where=union > 0)


def _matched(points: np.ndarray, targets: np.ndarray, reach: float) -> np.ndarray:
    """Return the classes [n] of the pixels of ``points`` with one of their class in ``targets`` within ``reach``.

    Both are [H, W], a class or ``UNSEEN``. Rings of growing radius are looked at, each for the pixels that are left.
    """
    margin = floor(reach)
    framed = np.pad(targets, margin, constant_values=UNSEEN)
    rows, columns = np.nonzero(points != UNSEEN)
    own, places = points[rows, columns], (rows + margin) * framed.shape[1] + columns + margin
    found = []
    for ring in _rings(reach):
        hit = np.zeros(own.size, bool)
        for down, right in ring:
            hit |= framed.take(places + (down * framed.shape[1] + right)) == own
        found.append(own[hit])
        own, places = own[~hit], places[~hit]
    return np.concatenate(found)


@cache
def _rings(reach: float) -> list[list[tuple[int, int]]]:
    """Return the (rows, columns) at most ``reach`` away, those of one distance together, the nearest first."""
    side = range(-floor(reach), floor(reach) + 1)
    within = [step for step in product(side, side) if hypot(*step) <= reach]
    within.sort(key=_squared)
    return [list(ring) for _, ring in groupby(within, key=_squared)]


def _squared(step: tuple[int, int]) -> int:
    return step[0] ** 2 + step[1] ** 2
