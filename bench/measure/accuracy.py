"""Accuracies from confusion matrices, one per image.

Shapes: N images, K classes; rows are the truth, columns the prediction. Every score is percent, 0 to 100,
unrounded; what cannot be measured (no labelled pixel, or a class that never occurs) is None, never 0.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np


def scores(matrices: np.ndarray, class_names: Sequence[str]) -> dict[str, Any]:
    """Score the images of ``matrices`` [N, K, K].

    Returns:
        ``miou``: intersection over union of the pooled counts, averaged over the classes that occur in truth or
        prediction; ``miou_absent_as_zero``: the same averaged over all K, absent classes counted as 0;
        ``miou_per_image``: ``miou`` of each image, averaged over the images that have a labelled pixel;
        ``pixel_accuracy``; ``class_accuracy``: recall averaged over the classes in the truth; ``fw_iou``: IoU weighted
        with each class's share of the truth; ``per_class_iou``: name to percent, None where absent from both.

    Raises:
        ValueError: the stack is not [N, K, K], counts are negative, or the names are not K different ones.
    """
    _check(matrices, class_names)
    pooled = matrices.sum(axis=0, dtype=np.int64)
    iou, truth, hits = class_iou(pooled), pooled.sum(axis=1), np.diagonal(pooled)
    present, counted = truth > 0, bool(pooled.any())
    return {
        'miou': _percent(iou[~np.isnan(iou)]),
        'miou_absent_as_zero': _percent(np.nan_to_num(iou)) if counted else None,
        'miou_per_image': _percent(image_miou(matrices)),
        'pixel_accuracy': 100.0 * float(hits.sum() / truth.sum()) if counted else None,
        'class_accuracy': _percent(hits[present] / truth[present]),
        'fw_iou': 100.0 * float((truth[present] * iou[present]).sum() / truth.sum()) if counted else None,
        'per_class_iou': {
            name: None if np.isnan(share) else 100.0 * float(share)
            for name, share in zip(class_names, iou, strict=True)
        },
    }


def class_iou(matrices: np.ndarray) -> np.ndarray:
    """Return the IoU [..., K] of ``matrices`` [..., K, K] as a share, NaN for a class absent from both maps."""
    hits = np.diagonal(matrices, axis1=-2, axis2=-1)
    union = matrices.sum(axis=-1) + matrices.sum(axis=-2) - hits
    return np.divide(hits, union, out=np.full(hits.shape, np.nan), where=union > 0)


def image_miou(matrices: np.ndarray) -> np.ndarray:
    """Return the mIoU, as a share, of each image of ``matrices`` [N, K, K] that has a labelled pixel."""
    labelled = matrices[matrices.any(axis=(1, 2))]
    return np.nanmean(class_iou(labelled), axis=1) if labelled.size else np.zeros(0)


def _check(matrices: np.ndarray, class_names: Sequence[str]) -> None:
    classes = len(class_names)
    if matrices.ndim != 3 or matrices.shape[1:] != (classes, classes):
        raise ValueError(f'matrices have shape {matrices.shape}; for {classes} class names it must be [N, K, K]')
    if not np.issubdtype(matrices.dtype, np.integer):
        raise ValueError(f'matrices are {matrices.dtype}; counts must be integers')
    if matrices.size and matrices.min() < 0:
        raise ValueError(f'matrices hold {matrices.min()}; counts cannot be negative')
    if len(set(class_names)) != classes:
        twice = sorted({name for name in class_names if list(class_names).count(name) > 1})
        raise ValueError(f'class names occur twice: {", ".join(twice)}; per-class scores are keyed by name')


def _percent(shares: np.ndarray) -> float | None:
    return 100.0 * float(shares.mean()) if shares.size else None
