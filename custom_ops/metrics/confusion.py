"""Confusion matrices, one per image: the primary record from which every accuracy follows.

Shapes: H x W pixels of one image, K classes, N images. Rows are the truth, columns the prediction.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import cv2
import numpy as np
import torch
from mmengine.evaluator import BaseMetric
from mmseg.registry import METRICS
from torch import Tensor

# Small enough that one block of int64 truth and prediction stays in a core's second-level cache.
BLOCK_PIXELS = 1 << 16
# OpenCV returns float32 counts, which are exact below 2**24.
EXACT_PIXELS = 1 << 23
BYTE_VALUES = 256


def confusion_matrix(prediction: Tensor, label: Tensor, num_classes: int, ignore_index: int = 255) -> Tensor:
    """Count how often each class was taken for each other one.

    Args:
        prediction: [H, W], integers of any width, each in 0 to K - 1.
        label: [H, W] on the same device, integers of any width, each in 0 to K - 1 or ``ignore_index``.
        num_classes: K, at least 1.
        ignore_index: pixels of this label count nowhere, also where it is below K.

    Returns:
        int64 [K, K] on the CPU: entry (t, p) is the number of pixels of truth t predicted as p, exact.

    Raises:
        TypeError: one of the maps does not hold integers.
        ValueError: the maps differ in shape or device, K is below 1, or a value is outside its range.
    """
    _check_maps(prediction, label, num_classes)
    if prediction.device.type == 'cpu' and num_classes <= BYTE_VALUES and 0 <= ignore_index < BYTE_VALUES:
        return _count_bytes(prediction.numpy(), label.numpy(), num_classes, ignore_index)
    return _count_any(prediction, label, num_classes, ignore_index)


def pooled_scores(matrices: np.ndarray) -> dict[str, float]:
    """Score the sum of ``matrices`` [N, K, K], in percent and unrounded; NaN where nothing was counted.

    ``miou`` averages over the classes that occur in truth or prediction, ``class_accuracy`` over those in the truth.
    """
    pooled = matrices.sum(axis=0, dtype=np.int64)
    hits, truth, predicted = np.diagonal(pooled), pooled.sum(axis=1), pooled.sum(axis=0)
    union = truth + predicted - hits
    return {
        'miou': _mean_percent(hits[union > 0] / union[union > 0]),
        'pixel_accuracy': 100.0 * float(hits.sum() / pooled.sum()) if pooled.any() else float('nan'),
        'class_accuracy': _mean_percent(hits[truth > 0] / truth[truth > 0]),
    }


@METRICS.register_module()
class ConfusionMetric(BaseMetric):
    """Keep one confusion matrix per image, scored at the label's own resolution.

    K is the number of ``dataset_meta['classes']``. After an evaluation ``names`` (N image paths) and ``matrices``
    (int64 [N, K, K]) hold the record, on the main process; the returned scores are percent and unrounded.
    """

    default_prefix = None

    def __init__(self, ignore_index: int = 255, collect_device: str = 'cpu', prefix: str | None = None):
        super().__init__(collect_device=collect_device, prefix=prefix)
        self.ignore_index = ignore_index
        self.names: list[str] = []
        self.matrices = np.zeros((0, 0, 0), np.int64)

    def process(self, data_batch: Any, data_samples: Sequence[Mapping[str, Any]]) -> None:
        """Count one batch; each sample holds ``pred_sem_seg`` and ``gt_sem_seg`` of data [1, H, W].

        Raises:
            ValueError: a prediction is not at its label's size, or a value is out of range; names the image.
        """
        num_classes = len(self.dataset_meta['classes'])
        for sample in data_samples:
            name = str(sample.get('img_path', f'image {len(self.results)}'))
            prediction = sample['pred_sem_seg']['data'].squeeze(0)
            # A single-channel head is thresholded to a float map of 0 and 1.
            if prediction.is_floating_point():
                prediction = prediction.long()
            label = sample['gt_sem_seg']['data'].squeeze(0).to(prediction.device)
            try:
                matrix = confusion_matrix(prediction, label, num_classes, self.ignore_index)
            except ValueError as error:
                raise ValueError(f'{name}: {error}') from error
            self.results.append((name, matrix.numpy()))

    def compute_metrics(self, results: list[tuple[str, np.ndarray]]) -> dict[str, float]:
        """Stack the matrices of all images and return their pooled scores."""
        self.names = [name for name, _ in results]
        self.matrices = np.stack([matrix for _, matrix in results])
        return pooled_scores(self.matrices)


def _check_maps(prediction: Tensor, label: Tensor, num_classes: int) -> None:
    if num_classes < 1:
        raise ValueError(f'num_classes is {num_classes}; it must be at least 1')
    if prediction.shape != label.shape:
        raise ValueError(f'prediction {tuple(prediction.shape)} is not at the size of the label {tuple(label.shape)}')
    if prediction.device != label.device:
        raise ValueError(f'prediction is on {prediction.device}, label on {label.device}; move one of them')
    for kind, values in (('prediction', prediction), ('label', label)):
        if values.is_floating_point() or values.is_complex():
            raise TypeError(f'{kind} is {values.dtype}; it must hold integers')


def _count_bytes(prediction: np.ndarray, label: np.ndarray, num_classes: int, ignore_index: int) -> Tensor:
    """Count labels of one byte: (label, prediction) becomes one 16-bit number, and those are counted.

    The label keeps all its 256 values in the joint number, the prediction as many bits as K - 1 needs, so that ignored
    and illegal values have rows and columns of their own.
    """
    flat_prediction, flat_label = prediction.reshape(-1), label.reshape(-1)
    bits = (num_classes - 1).bit_length()
    joint = np.empty(flat_label.size, np.uint16)
    for start in range(0, joint.size, BLOCK_PIXELS):
        block = slice(start, start + BLOCK_PIXELS)
        if not _fits(flat_prediction[block], bits):
            raise ValueError(_prediction_rule(_first_illegal(prediction, num_classes), num_classes))
        if not _fits(flat_label[block], 8):
            raise ValueError(_label_rule(_first_illegal(label, BYTE_VALUES), num_classes, ignore_index))
        joint[block] = flat_label[block]
        joint[block] <<= bits
        joint[block] |= flat_prediction[block].astype(np.uint16)
    table = _histogram(joint, BYTE_VALUES << bits).reshape(BYTE_VALUES, 1 << bits)
    if table[:, num_classes:].any():
        raise ValueError(_prediction_rule(_first_illegal(prediction, num_classes), num_classes))
    table[ignore_index] = 0
    illegal = np.flatnonzero(table[num_classes:].any(axis=1))
    if illegal.size:
        raise ValueError(_label_rule(num_classes + int(illegal[0]), num_classes, ignore_index))
    return torch.from_numpy(table[:num_classes, :num_classes].copy())


def _histogram(values: np.ndarray, bins: int) -> np.ndarray:
    """Count each value of a flat uint16 array, all below ``bins``: int64 [bins]."""
    counts = np.zeros(bins, np.int64)
    for start in range(0, values.size, EXACT_PIXELS):
        part = values[start : start + EXACT_PIXELS].reshape(1, -1)
        counts += cv2.calcHist([part], [0], None, [bins], [0, bins]).reshape(-1).astype(np.int64)
    return counts


def _fits(values: np.ndarray, bits: int) -> bool:
    """Return whether all are below 2**bits: one pass, where a minimum and a maximum take two."""
    return 0 <= int(np.bitwise_or.reduce(values)) < 1 << bits


def _first_illegal(values: np.ndarray, limit: int) -> int:
    return int(values[(values < 0) | (values >= limit)][0])


def _count_any(prediction: Tensor, label: Tensor, num_classes: int, ignore_index: int) -> Tensor:
    counts = table(prediction, label, num_classes, ignore_index).cpu()
    try:
        return legal_part(counts)
    except ValueError:
        _name_illegal(prediction.long(), label.long(), num_classes, ignore_index)
        raise


def table(prediction: Tensor, label: Tensor, num_classes: int, ignore_index: int = 255) -> Tensor:
    """Count two maps [H, W] on their device and leave the counts there: int64 [K + 2, K + 1], to be checked later.

    Row K takes the ignored pixels, row K + 1 illegal labels, column K illegal predictions; see ``legal_part``.
    """
    _check_maps(prediction, label, num_classes)
    prediction, label = prediction.long(), label.long()
    legal_label = (label >= 0) & (label < num_classes)
    legal_prediction = (prediction >= 0) & (prediction < num_classes)
    row = torch.where(legal_label, label, num_classes + 1)
    row = torch.where(label == ignore_index, num_classes, row)
    column = torch.where(legal_prediction, prediction, num_classes)
    shape = (num_classes + 2, num_classes + 1)
    joint = (row * shape[1] + column).flatten()
    # Counting by ``bincount`` would have to wait for the largest value.
    counts = torch.zeros(shape[0] * shape[1], dtype=torch.int64, device=joint.device)
    return counts.scatter_add_(0, joint, torch.ones_like(joint)).view(shape)


def legal_part(counts: Tensor) -> Tensor:
    """Return the confusion matrices [..., K, K] in tables [..., K + 2, K + 1] of ``table``.

    Raises:
        ValueError: pixels were counted whose prediction is no class, or whose label is none and not ignored.
    """
    num_classes = counts.shape[-1] - 1
    for kind, wrong in (('predictions', counts[..., num_classes]), ('labels', counts[..., num_classes + 1, :])):
        if wrong.any():
            raise ValueError(f'{int(wrong.sum())} {kind} are outside 0 to {num_classes - 1}')
    return counts[..., :num_classes, :num_classes].clone()


def _name_illegal(prediction: Tensor, label: Tensor, num_classes: int, ignore_index: int) -> None:
    wrong = prediction[(prediction < 0) | (prediction >= num_classes)]
    if wrong.numel():
        raise ValueError(_prediction_rule(int(wrong[0]), num_classes))
    wrong = label[((label < 0) | (label >= num_classes)) & (label != ignore_index)]
    raise ValueError(_label_rule(int(wrong[0]), num_classes, ignore_index))


def _prediction_rule(value: int, num_classes: int) -> str:
    return f'prediction holds {value}; it must be a class, 0 to {num_classes - 1}'


def _label_rule(value: int, num_classes: int, ignore_index: int) -> str:
    return f'label holds {value}; it must be a class, 0 to {num_classes - 1}, or {ignore_index} (ignored)'


def _mean_percent(shares: np.ndarray) -> float:
    return 100.0 * float(shares.mean()) if shares.size else float('nan')
