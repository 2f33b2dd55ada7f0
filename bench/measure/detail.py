"""What one image tells beside its confusion matrix: its boundaries, its objects by size, its centre square.

Shapes: N images, K classes, S size groups, H x W pixels. Everything is counted in integers that add up over images, so
that intervals and paired differences come from the stored counts just as they do from confusion matrices.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch

from bench.measure import accuracy, boundary, objects
from bench.measure.maps import centre_square, seen_maps
from custom_ops.metrics.confusion import confusion_matrix


def image_counts(
    prediction: np.ndarray, truth: np.ndarray, classes: int, ignore_index: int = 255
) -> dict[str, np.ndarray]:
    """Count one image.

    Args:
        prediction: integers [H, W] at the label's own resolution, each 0 to K - 1.
        truth: integers [H, W], each 0 to K - 1 or ``ignore_index``.
        classes: K, 1 to 255.

    Returns:
        int64 arrays: ``centre`` [K, K], the confusion matrix of the centre square; ``boundary_f`` [K, 5] and
        ``boundary_iou`` [K, 4], columns as in ``boundary``; ``objects`` [K, S, 4], columns as in ``objects``.

    Raises:
        ValueError: the maps differ in shape or hold a value out of range.
    """
    seen, labels = seen_maps(prediction, truth, classes, ignore_index)
    square, its_truth = (torch.from_numpy(np.ascontiguousarray(centre_square(each))) for each in (prediction, truth))
    return {
        'centre': confusion_matrix(square, its_truth, classes, ignore_index).numpy(),
        'boundary_f': boundary.f_counts(seen, labels, classes),
        'boundary_iou': boundary.iou_counts(seen, labels, classes),
        'objects': objects.object_counts(seen, labels, classes),
    }


def stack(counts: Sequence[Mapping[str, np.ndarray]]) -> dict[str, np.ndarray]:
    """Return the counts of N images with N as the first axis of each array."""
    return {name: np.stack([each[name] for each in counts]) for name in counts[0]} if counts else {}


def summarise(counts: Mapping[str, np.ndarray], class_names: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Score the stacked counts of N images, pooled over them; percent, None where nothing could be measured.

    Returns:
        ``centre``: the scores of ``accuracy.scores`` on the centre square alone; ``boundary`` and ``objects``: see
        ``boundary_block`` and ``object_block``.
    """
    return {
        'centre': accuracy.scores(counts['centre'], class_names),
        'boundary': boundary_block(counts['boundary_f'], counts['boundary_iou'], class_names),
        'objects': object_block(counts['objects'], class_names),
    }


def boundary_block(f_counts: np.ndarray, iou_counts: np.ndarray, class_names: Sequence[str]) -> dict[str, Any]:
    """Score ``f_counts`` [N, K, 5] and ``iou_counts`` [N, K, 4], averaged over the classes that have a boundary.

    ``f`` and ``iou`` come with their widths as shares of the image diagonal, each class's own score, and the percent of
    the truth's boundary that was left out for lying near ignored pixels.
    """
    f_pooled, iou_pooled = f_counts.sum(axis=0), iou_counts.sum(axis=0)
    f, iou = boundary.f_scores(f_pooled), boundary.iou_scores(iou_pooled)
    return {
        'f': _mean(f),
        'f_width': boundary.F_WIDTH,
        'f_left_out': _percent(f_pooled[:, 4].sum(), f_pooled[:, [0, 4]].sum()),
        'per_class_f': _by_class(f, class_names),
        'iou': _mean(iou),
        'iou_width': boundary.IOU_WIDTH,
        'iou_left_out': _percent(iou_pooled[:, 3].sum(), iou_pooled[:, [0, 3]].sum()),
        'per_class_iou': _by_class(iou, class_names),
    }


def object_block(counts: np.ndarray, class_names: Sequence[str]) -> dict[str, Any]:
    """Score ``counts`` [N, K, S, 4] by size: means over the classes that have objects of that size in the truth."""
    pooled = counts.sum(axis=0)
    iou, recall = objects.object_iou(pooled), objects.object_recall(pooled)
    block: dict[str, Any] = {'bounds': list(objects.BOUNDS)}
    for index, size in enumerate(objects.SIZES):
        block[size] = {
            'miou': _mean(iou[:, index]),
            'recall': _mean(recall[:, index]),
            'objects': int(pooled[:, index, 0].sum()),
            'per_class_iou': _by_class(iou[:, index], class_names),
            'per_class_recall': _by_class(recall[:, index], class_names),
            'per_class_objects': dict(zip(class_names, pooled[:, index, 0].tolist(), strict=True)),
        }
    return block


def _by_class(shares: np.ndarray, class_names: Sequence[str]) -> dict[str, float | None]:
    named = zip(class_names, shares, strict=True)
    return {name: None if np.isnan(share) else 100.0 * float(share) for name, share in named}


def _mean(shares: np.ndarray) -> float | None:
    measured = shares[~np.isnan(shares)]
    return 100.0 * float(measured.mean()) if measured.size else None


def _percent(part: np.ndarray, whole: np.ndarray) -> float | None:
    return 100.0 * float(part / whole) if whole else None
