"""Boundary F-score and boundary IoU: how well the outlines of the classes are met.

Sources: boundary F: Csurka, Larlus & Perronnin, BMVC 2013, with their tolerance of 0.75 % of the image diagonal;
boundary IoU: Cheng et al., CVPR 2021, arXiv:2103.16562, with their 2 %. Both are counted per image and class in
integers that add up over images, and scored on the pooled counts.

A class begins and ends where a labelled pixel of another class lies beside it; contact with an ignored pixel or with
the edge of the image is no boundary (the second paper counts the edge as one), and a pixel with an ignored one within
the width is left out. How much of the truth's boundary that is, is counted too.

Shapes: N images, K classes, H x W pixels. Maps are those of ``maps.seen_maps``.
"""

from math import floor, hypot, inf, nextafter, sqrt

import cv2
import numpy as np
from scipy.spatial import KDTree

from bench.measure.maps import UNSEEN, class_windows

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
    clear = ~grown(truth == UNSEEN, floor(reach))
    counts = np.zeros((classes, len(F_COUNTS)), np.int64)
    for here in class_windows(of_truth, of_prediction, classes):
        kept = clear[here.box]
        true, predicted = here.first & kept, here.second & kept
        counts[here.value] = (
            np.count_nonzero(true),
            _count_near(true, here.second, reach),
            np.count_nonzero(predicted),
            _count_near(predicted, here.first, reach),
            np.count_nonzero(here.first & ~kept),
        )
    return counts


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


def _count_near(points: np.ndarray, targets: np.ndarray, reach: float) -> int:
    """Count the true pixels of ``points`` [H, W] that have one of ``targets`` at most ``reach`` pixels away.

    Squares inside and around the circle settle nearly all of them; the tree answers for the few in between.
    """
    inside = points & grown(targets, floor(reach / sqrt(2)))
    between = points & ~inside & grown(targets, floor(reach))
    settled = int(np.count_nonzero(inside))
    if not between.any():
        return settled
    tree = KDTree(_coordinates(targets & grown(between, floor(reach))))
    # The library's bound is the first distance that is too far.
    distances, _ = tree.query(_coordinates(between), distance_upper_bound=nextafter(reach, inf))
    return settled + int(np.count_nonzero(np.isfinite(distances)))


def _coordinates(mask: np.ndarray) -> np.ndarray:
    """Return the column and row [n, 2] of every true pixel of ``mask`` [H, W]."""
    return cv2.findNonZero(mask.view(np.uint8)).reshape(-1, 2)
