"""What a transform may touch of the toolbox's sample: the image, its label maps, its recorded size.

A sample is a dict with ``img`` [H, W, 3] uint8 in BGR and, for every name in ``seg_fields``, a label map [H, W].
"""

from collections.abc import Callable

import cv2
import numpy as np

Array = np.ndarray
Sample = dict
LEVELS = np.arange(256, dtype=np.uint8)
"""Every grey level: a change of levels applied to these is a table for ``look_up``."""


def map_image(sample: Sample, function: Callable[[Array], Array]) -> Sample:
    """Replace the image by ``function(image)`` and record its size."""
    sample['img'] = function(sample['img'])
    sample['img_shape'] = sample['img'].shape[:2]
    return sample


def map_both(sample: Sample, on_image: Callable[[Array], Array], on_label: Callable[[Array], Array]) -> Sample:
    """Replace the image by ``on_image(image)`` and every label map by ``on_label(label)``."""
    for name in sample.get('seg_fields', ()):
        sample[name] = on_label(sample[name])
    return map_image(sample, on_image)


def to_uint8(values: Array) -> Array:
    """Round to the nearest grey level within 0 to 255."""
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)


def look_up(image: Array, table: Array) -> Array:
    """Replace each level of ``image`` [H, W] or [H, W, 3] by its entry in ``table`` [256], or [256, 3] by channel."""
    # OpenCV takes a table of one row, of as many channels as the image or of one.
    return cv2.LUT(np.ascontiguousarray(image), table.reshape(1, 256, -1))
