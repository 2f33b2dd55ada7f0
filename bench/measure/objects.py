"""Accuracy by the size of the object: connected regions of each class, grouped by their share of the image.

The bounds of the groups are those of COCO (Lin et al. 2014, arXiv:1405.0312), 32 x 32 and 96 x 96 pixels, as shares of
its usual image of 480 x 640. A region is connected over sides and corners within the scored pixels, and as large as
what is seen of it. Everything is counted per image in integers that add up over images.

Shapes: N images, K classes, S size groups, H x W pixels. Maps are those of ``maps.seen_maps``.
"""

from collections.abc import Sequence

import cv2
import numpy as np

from bench.measure.maps import class_windows

SIZES = ('small', 'medium', 'large')
BOUNDS = (32 * 32 / (480 * 640), 96 * 96 / (480 * 640))
"""Shares of the image's pixels at which ``medium`` and ``large`` begin."""
COUNTS = ('objects', 'pixels', 'hits', 'false')
"""Regions of the truth, their pixels, those of them predicted right, and pixels wrongly predicted as the class."""


def object_counts(
    prediction: np.ndarray, truth: np.ndarray, classes: int, bounds: Sequence[float] = BOUNDS
) -> np.ndarray:
    """Count hits and misses of each class by the size of the region in ``truth`` [H, W].

    A wrongly predicted pixel has no region in the truth: it goes, with its whole predicted region, to the size of
    which that region hits most pixels (the smaller one of two), and to the predicted region's own where it hits none.
    Summed over sizes the counts are those of the confusion matrix.

    Args:
        bounds: rising shares of H x W, S - 1 of them.

    Returns:
        int64 [K, S, 4], columns ``COUNTS``.

    Raises:
        ValueError: the bounds do not rise strictly between 0 and 1.
    """
    if any(low >= high for low, high in zip((0.0, *bounds), (*bounds, 1.0), strict=True)):
        raise ValueError(f'size bounds {tuple(bounds)} must rise strictly between 0 and 1')
    limits = np.asarray(bounds) * truth.size
    counts = np.zeros((classes, len(limits) + 1, len(COUNTS)), np.int64)
    for here in class_windows(truth, prediction, classes):
        counts[here.value] = _class_counts(here.second, here.first, limits)
    return counts


def object_iou(counts: np.ndarray) -> np.ndarray:
    """Return the IoU [..., K, S] of ``counts`` [..., K, S, 4] as a share, NaN where the truth has no such object."""
    hits, union = counts[..., 2], counts[..., 1] + counts[..., 3]
    return np.divide(hits, union, out=np.full(hits.shape, np.nan), where=counts[..., 0] > 0)


def object_recall(counts: np.ndarray) -> np.ndarray:
    """Return the recall [..., K, S] of ``counts`` [..., K, S, 4] as a share, NaN where the truth has no such object."""
    return np.divide(counts[..., 2], counts[..., 1], out=np.full(counts.shape[:-1], np.nan), where=counts[..., 0] > 0)


def _class_counts(predicted: np.ndarray, true: np.ndarray, limits: np.ndarray) -> np.ndarray:
    """Return [S, 4] for one class from its two masks [H, W]; ``limits`` are pixels."""
    groups = len(limits) + 1
    true_ids, true_areas = _regions(true)
    size_of = np.searchsorted(limits, true_areas, side='right')
    # Region 0 is what is not the class: a group of its own, behind the sizes.
    group_of = np.concatenate([[groups], size_of])
    predicted_ids, predicted_areas = _regions(predicted)
    joint = predicted_ids[predicted] * (groups + 1) + group_of[true_ids[predicted]]
    shared = np.bincount(joint, minlength=(len(predicted_areas) + 1) * (groups + 1)).reshape(-1, groups + 1)[1:]
    hits, false = shared[:, :groups], shared[:, groups]
    own = np.searchsorted(limits, predicted_areas, side='right')
    home = np.where(hits.any(axis=1), hits.argmax(axis=1), own)
    columns = np.zeros((groups, len(COUNTS)), np.int64)
    columns[:, 0] = np.bincount(size_of, minlength=groups)
    np.add.at(columns[:, 1], size_of, true_areas)
    columns[:, 2] = hits.sum(axis=0)
    np.add.at(columns[:, 3], home, false)
    return columns


def _regions(mask: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Number the connected regions of ``mask`` from 1 and return them [H, W] with their areas in pixels."""
    # The library's own statistics take five times as long as the numbering.
    number, ids = cv2.connectedComponents(mask.view(np.uint8), connectivity=8)
    return ids, np.bincount(ids[mask], minlength=number)[1:]
