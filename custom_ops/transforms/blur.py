"""Blur of the image; labels stay as they are.

Source: deeplab_depth, as coded (Gaussian), unet_phases II.11 (mean over a small square).
"""

import cv2
import numpy as np
from mmcv.transforms import BaseTransform
from mmseg.registry import TRANSFORMS

from .colour import check_range
from .sample import Array, Sample, map_image

NO_BLUR_SIGMA = 1e-3  # a Gaussian this narrow changes no grey level


def gaussian_blur(image: Array, sigma: float) -> Array:
    """Blur [H, W, 3] by a Gaussian of standard deviation ``sigma`` in pixels; the border is mirrored."""
    if sigma < NO_BLUR_SIGMA:
        return image
    return cv2.GaussianBlur(image, (0, 0), sigma, borderType=cv2.BORDER_REFLECT_101)


def box_blur(image: Array, side: int) -> Array:
    """Replace each pixel by the mean of the ``side`` x ``side`` square about it; the border is mirrored."""
    return cv2.blur(image, (side, side), borderType=cv2.BORDER_REFLECT_101)


@TRANSFORMS.register_module()
class RandomGaussianBlur(BaseTransform):
    """With probability ``prob``, blur by a standard deviation drawn from ``sigmas`` (low, high), in pixels."""

    def __init__(self, prob: float = 0.5, sigmas: tuple[float, float] = (0.0, 1.0)):
        self.prob = prob
        self.sigmas = check_range('sigmas', sigmas)

    def transform(self, results: Sample) -> Sample:
        if np.random.rand() >= self.prob:
            return results
        sigma = np.random.uniform(*self.sigmas)
        return map_image(results, lambda image: gaussian_blur(image, sigma))


@TRANSFORMS.register_module()
class RandomBoxBlur(BaseTransform):
    """Blur by a square of odd side, drawn from 3 to ``max_kernel``.

    Raises:
        ValueError: ``max_kernel`` is even or below 3: no square of that side has a centre.
    """

    def __init__(self, max_kernel: int = 3):
        if max_kernel < 3 or max_kernel % 2 == 0:
            raise ValueError(f'max_kernel {max_kernel}: must be odd and at least 3')
        self.sides = range(3, max_kernel + 1, 2)

    def transform(self, results: Sample) -> Sample:
        side = self.sides[np.random.randint(len(self.sides))]
        return map_image(results, lambda image: box_blur(image, side))
