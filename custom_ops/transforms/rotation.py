"""Rotation whose corners show the mirrored image instead of black, in the image and in the labels.

Source: unet_phases II.11.
"""

import cv2
import numpy as np
from mmcv.transforms import BaseTransform
from mmseg.registry import TRANSFORMS

from .sample import Array, Sample, map_both


def rotate_reflected(array: Array, degrees: float, interpolation: int) -> Array:
    """Turn ``array`` [H, W, ...] counter-clockwise about its centre, size kept.

    The border is mirrored without repeating its own pixels. ``interpolation`` is one of OpenCV's; labels need
    ``cv2.INTER_NEAREST``.
    """
    height, width = array.shape[:2]
    matrix = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), degrees, 1.0)
    return cv2.warpAffine(array, matrix, (width, height), flags=interpolation, borderMode=cv2.BORDER_REFLECT_101)


@TRANSFORMS.register_module()
class ReflectRotate(BaseTransform):
    """With probability ``prob``, turn image and labels by an angle within +-``max_degrees``."""

    def __init__(self, max_degrees: float = 40.0, prob: float = 0.9):
        self.max_degrees = max_degrees
        self.prob = prob

    def transform(self, results: Sample) -> Sample:
        if np.random.rand() >= self.prob:
            return results
        degrees = np.random.uniform(-self.max_degrees, self.max_degrees)
        return map_both(
            results,
            lambda image: rotate_reflected(image, degrees, cv2.INTER_LINEAR),
            lambda label: rotate_reflected(label, degrees, cv2.INTER_NEAREST),
        )
