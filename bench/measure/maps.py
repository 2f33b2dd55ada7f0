"""Prediction and truth of one image, made ready for counting: same shape, one byte a pixel, one mark for the unscored.

Shapes: H x W pixels at the label's own resolution, K classes.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np

UNSEEN = 255
"""Marks the pixels that count nowhere, in the prediction as in the truth; no class can have this number."""


@dataclass(frozen=True)
class ClassWindow:
    """Where class ``value`` is in two maps: bool masks [h, w] of the window ``box`` (rows, columns)."""

    value: int
    box: tuple[slice, slice]
    first: np.ndarray
    second: np.ndarray


def seen_maps(
    prediction: np.ndarray, truth: np.ndarray, classes: int, ignore_index: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return both maps as uint8 [H, W] with ``UNSEEN`` where the truth is ``ignore_index``.

    Args:
        prediction: integers [H, W], each 0 to K - 1.
        truth: integers [H, W], each 0 to K - 1 or ``ignore_index``.
        classes: K, 1 to 255.

    Raises:
        ValueError: the maps differ in shape or are no maps, K is out of range, or a value is.
    """
    if prediction.ndim != 2 or prediction.shape != truth.shape:
        raise ValueError(f'prediction {prediction.shape} and truth {truth.shape} must be maps [H, W] of one size')
    if not 1 <= classes <= UNSEEN:
        raise ValueError(f'{classes} classes; regions are counted for 1 to {UNSEEN}')
    unscored = truth == ignore_index
    made = []
    for kind, values in (('prediction', prediction), ('truth', truth)):
        if not np.issubdtype(values.dtype, np.integer):
            raise ValueError(f'{kind} is {values.dtype}; it must hold integers')
        wrong = ((values < 0) | (values >= classes)) & ~unscored
        if wrong.any():
            raise ValueError(f'{kind} holds {values[wrong][0]}; a scored pixel must be a class, 0 to {classes - 1}')
        seen = values.astype(np.uint8)
        seen[unscored] = UNSEEN
        made.append(seen)
    return made[0], made[1]


def centre_square(values: np.ndarray) -> np.ndarray:
    """Return the centre square of ``values`` [H, W], its side the shorter one of the image's.

    This is what an evaluation sees that scales the short side to s and then crops s x s, whatever s.
    """
    height, width = values.shape
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    return values[top : top + side, left : left + side]


def class_windows(first: np.ndarray, second: np.ndarray, classes: int) -> Iterator[ClassWindow]:
    """Yield, for each class in either of two uint8 maps [H, W], its masks cut to the smallest window with all of it."""
    values = [first, second]
    counted = cv2.calcHist([np.concatenate(values)], [0], None, [UNSEEN + 1], [0, UNSEEN + 1])
    for value in np.flatnonzero(counted[:classes]).tolist():
        masks = [each == value for each in values]
        left, top, width, height = cv2.boundingRect((masks[0] | masks[1]).view(np.uint8))
        box = (slice(top, top + height), slice(left, left + width))
        yield ClassWindow(value, box, masks[0][box], masks[1][box])
