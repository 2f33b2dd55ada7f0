"""The ledger of an accuracy: one trained network, one stack of confusion matrices, every way of averaging it. Pure.

Two papers that print "mIoU" may mean numbers that lie points apart. The ledger sets the documented value beside the
report's own way, where that is known, and beside all others. That one of them comes closest is no proof that it was the
one used: it is labelled as inference, with the number of ways that were tried.

Shapes: N images in the order of the data set, K classes, B images a batch. Rows are the truth, columns the prediction.
Values are percent, 0 to 100; what cannot be measured is None, never 0.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from bench.errors import UnknownName
from bench.experiments import Documented, Experiment, Report
from bench.measure.accuracy import class_iou, scores
from bench.records import Receipt

AVERAGINGS = {
    'pooled': 'counts of all images together, mean over the classes in truth or prediction',
    'absent_as_zero': 'counts of all images together, mean over all classes, one in neither map as 0',
    'per_image': 'each image over the classes in its truth or prediction, mean over images',
    'per_image_in_truth': 'each image over the classes in its truth, mean over images',
    'per_image_hit': 'each image over the classes it got a pixel of right, none as 0; mean over images',
    'per_batch': 'each batch of {batch} over the classes in its truth, mean over batches',
    'per_batch_as_coded': 'the same, but the sum over batches divided by the number of whole ones',
    'frequency_weighted': "counts of all images together, classes weighted with their share of the truth's pixels",
}
PIXEL_AVERAGINGS = {
    'pooled': 'share of all labelled pixels',
    'per_image': 'share of each image, mean over images',
    'per_batch': 'share of each batch of {batch}, mean over batches',
    'per_batch_as_coded': 'the same, but the sum over batches divided by the number of whole ones',
}
SCOPES = {
    'centre': 'only the centre square of each image',
    'validation_best': 'the epoch that was best on the validation split',
    'test_best': 'the epoch that was best on the very images it is scored on',
}
METRICS = {'miou': 'test', 'pixel_accuracy': 'test', 'train_miou': 'train', 'train_pixel_accuracy': 'train'}
"""What the ledger accounts for, and the split it is measured on."""


@dataclass(frozen=True)
class Variant:
    """One way of averaging, ``<averaging>`` or ``<averaging>@<scope>``, and what it gives."""

    name: str
    meaning: str
    value: float | None


@dataclass(frozen=True)
class Entry:
    """One documented accuracy against one run.

    ``own`` names the report's own way; ``closest`` the one whose value lies nearest to ``documented`` (None: nothing is
    documented or measured), of equals the report's own; ``spanned`` says whether the documented value lies within the
    range of all ways, so that the averaging alone could explain the deviation. ``inference`` is the sentence to print.
    """

    experiment: str
    metric: str
    documented: Documented | None
    own: str
    variants: tuple[Variant, ...]
    closest: str | None
    spanned: bool | None
    inference: str

    def value(self, name: str) -> float | None:
        """Return what the way ``name`` gives, None where this run does not tell."""
        return next((variant.value for variant in self.variants if variant.name == name), None)


def enter(
    report: Report,
    experiment: Experiment,
    receipt: Receipt,
    arrays: Mapping[str, np.ndarray],
    metric: str = 'miou',
    batch_size: int | None = None,
    documented_data: bool = True,
) -> Entry:
    """Account for ``metric`` of one run.

    Args:
        arrays: the run's ``confusion.npz``: ``test`` and ``train`` [N, K, K] and, where there are, ``centre``
            (centre squares) and ``selected`` (the epoch that ``receipt.selected`` speaks of), of the same shape.
        metric: one of ``METRICS``.
        batch_size: B, as documented; None takes the training's own, from the receipt.
        documented_data: whether the run is on the data that the documented value is of. On others no way of averaging
            lies near it for a reason, and nothing is inferred.

    Raises:
        UnknownName: the metric, or the report's own way, is none the ledger knows.
        ValueError: an array is no stack of counts, or B is below 1.
    """
    if metric not in METRICS:
        raise UnknownName('metric of the ledger', metric, METRICS)
    if batch_size is None:
        batch_size = (receipt.train or {}).get('batch_size')
    variants: list[Variant] = []
    for scope, matrices in _scoped(receipt, arrays, METRICS[metric]).items():
        variants += _variants(matrices, metric, scope, batch_size)
    variants += _from_curve(receipt, metric, variants)
    documented = _documented(experiment, metric)
    own = own_variant(report, metric)
    closest, spanned, text = _closest(documented if documented_data else None, own, variants)
    if text and receipt.budget != 'full':
        text += f'; a {receipt.budget} budget says little about the documented training'
    return Entry(experiment.id, metric, documented, own, tuple(variants), closest, spanned, text)


def own_variant(report: Report, metric: str = 'miou') -> str:
    """Return the ledger's name for the report's own way of averaging ``metric``; the scope of a training score is none.

    Raises:
        UnknownName: ``report.ledger_variant`` is no averaging, or its scope is none.
    """
    averaging, _, scope = report.ledger_variant.partition('@')
    if averaging not in AVERAGINGS or scope not in ('', *SCOPES):
        known = [*AVERAGINGS, *(f'{name}@{where}' for name in AVERAGINGS for where in SCOPES)]
        raise UnknownName(f'way of averaging of {report.slug}', report.ledger_variant, known)
    if metric.endswith('pixel_accuracy') and averaging not in PIXEL_AVERAGINGS:
        averaging = 'pooled'
    return f'{averaging}@{scope}' if scope and METRICS[metric] == 'test' else averaging


def miou_averages(matrices: np.ndarray, batch_size: int | None = None) -> dict[str, float | None]:
    """Return the mIoU of ``matrices`` [N, K, K] in each of ``AVERAGINGS``, those of batches None without B.

    Images and batches without a labelled pixel are left out of every mean; ``per_batch_as_coded`` divides by
    floor(N / B) whatever they hold, as a program does that forgets the last, incomplete batch only in its divisor.

    Raises:
        ValueError: not a stack of counts, or B is below 1.
    """
    found = scores(matrices, _numbers(matrices))
    images = _labelled(matrices)
    batches = _batches(matrices, batch_size)
    return {
        'pooled': found['miou'],
        'absent_as_zero': found['miou_absent_as_zero'],
        'per_image': found['miou_per_image'],
        'per_image_in_truth': _percent(_group_miou(images, _in_truth(images))),
        'per_image_hit': _percent(_group_miou(images, np.diagonal(images, axis1=1, axis2=2) > 0)),
        **_batch_means(matrices, batch_size, _group_miou(batches, _in_truth(batches))),
        'frequency_weighted': found['fw_iou'],
    }


def pixel_averages(matrices: np.ndarray, batch_size: int | None = None) -> dict[str, float | None]:
    """Return the pixel accuracy of ``matrices`` [N, K, K] in each of ``PIXEL_AVERAGINGS``; see ``miou_averages``."""
    found = scores(matrices, _numbers(matrices))
    return {
        'pooled': found['pixel_accuracy'],
        'per_image': _percent(_group_accuracy(_labelled(matrices))),
        **_batch_means(matrices, batch_size, _group_accuracy(_batches(matrices, batch_size))),
    }


def _scoped(receipt: Receipt, arrays: Mapping[str, np.ndarray], split: str) -> dict[str, np.ndarray]:
    """Return the stacks that tell of ``split`` by their scope, '' for the last epoch on whole images."""
    found = {'': arrays[split]} if split in arrays else {}
    if split == 'test':
        if 'centre' in arrays:
            found['centre'] = arrays['centre']
        if 'selected' in arrays and receipt.selected is not None:
            found['test_best' if receipt.selected['on_test'] else 'validation_best'] = arrays['selected']
    return found


def _variants(matrices: np.ndarray, metric: str, scope: str, batch_size: int | None) -> list[Variant]:
    pixels = metric.endswith('pixel_accuracy')
    values = (pixel_averages if pixels else miou_averages)(matrices, batch_size)
    meanings = PIXEL_AVERAGINGS if pixels else AVERAGINGS
    return [
        Variant(
            f'{name}@{scope}' if scope else name,
            '; '.join(filter(None, (meanings[name].format(batch=batch_size or 'B'), SCOPES.get(scope)))),
            value,
        )
        for name, value in values.items()
    ]


def _from_curve(receipt: Receipt, metric: str, known: list[Variant]) -> list[Variant]:
    """Return the best validated mIoU where that split is the one scored: all that a run without weights of it tells."""
    validation, data = receipt.validation or {}, receipt.data or {}
    name, best = 'pooled@test_best', validation.get('best_miou')
    if metric != 'miou' or best is None or validation.get('split') != data.get('split'):
        return []
    if any(variant.name == name for variant in known):
        return []
    return [Variant(name, f'{AVERAGINGS["pooled"]}; {SCOPES["test_best"]}, as validated while training', best)]


def _documented(experiment: Experiment, metric: str) -> Documented | None:
    """Return the first documented value of ``metric``; of mIoU, else the one printed for the validation split."""
    wanted = (metric, 'val_miou') if metric == 'miou' else (metric,)
    return next((one for name in wanted for one in experiment.documented if one.metric == name), None)


def _closest(documented: Documented | None, own: str, variants: list[Variant]) -> tuple[str | None, bool | None, str]:
    """Return the nearest way, whether the documented value is within the range of all, and the sentence to print."""
    measured = {variant.name: variant.value for variant in variants if variant.value is not None}
    if documented is None or not measured:
        return None, None, ''
    target = documented.value
    # min() keeps the first of equals.
    order = sorted(measured, key=lambda name: name != own)
    nearest = min(order, key=lambda name: abs(measured[name] - target))
    spanned = min(measured.values()) <= target <= max(measured.values())
    own_says = f"the report's own, {own}, gives {measured[own]:.2f}" if own in measured else f'{own} was not measured'
    text = (
        f'inference: of {len(measured)} ways to average, {nearest} ({measured[nearest]:.2f}) lies nearest to the '
        f'documented {target:g}'
    )
    return nearest, spanned, text if nearest == own else f'{text}; {own_says}'


def _numbers(matrices: np.ndarray) -> list[str]:
    return [str(value) for value in range(matrices.shape[-1])] if matrices.ndim else []


def _labelled(matrices: np.ndarray) -> np.ndarray:
    return matrices[matrices.any(axis=(1, 2))]


def _in_truth(matrices: np.ndarray) -> np.ndarray:
    return matrices.sum(axis=2) > 0


def _batches(matrices: np.ndarray, batch_size: int | None) -> np.ndarray:
    """Return the summed matrices of B consecutive images each, the last batch perhaps of fewer; none without B."""
    if batch_size is None or not len(matrices):
        return matrices[:0]
    if batch_size < 1:
        raise ValueError(f'batch size {batch_size}; a batch has at least 1 image')
    return _labelled(np.add.reduceat(matrices, np.arange(0, len(matrices), batch_size), axis=0))


def _batch_means(matrices: np.ndarray, batch_size: int | None, values: np.ndarray) -> dict[str, float | None]:
    """Average one share per batch, by their number and by the number of whole batches."""
    whole = len(matrices) // batch_size if batch_size else 0
    return {
        'per_batch': _percent(values),
        'per_batch_as_coded': 100.0 * float(values.sum()) / whole if whole and values.size else None,
    }


def _group_miou(matrices: np.ndarray, chosen: np.ndarray) -> np.ndarray:
    """Return the mean IoU [M], as a share, over the ``chosen`` classes [M, K] of each matrix [M, K, K]; 0 for none."""
    total = np.where(chosen, class_iou(matrices), 0.0).sum(axis=1)
    return total / np.maximum(chosen.sum(axis=1), 1)


def _group_accuracy(matrices: np.ndarray) -> np.ndarray:
    return np.diagonal(matrices, axis1=1, axis2=2).sum(axis=1) / matrices.sum(axis=(1, 2))


def _percent(shares: np.ndarray) -> float | None:
    return 100.0 * float(shares.mean()) if shares.size else None
