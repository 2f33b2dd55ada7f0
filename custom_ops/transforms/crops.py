"""Crops at named places, padded where the image is too small, and crops that keep the size.

Source: unet_phases II.4 (four corners and the centre), hierarchical_attention (sides cut by up to 40 %).
Sizes are (height, width) in pixels. Padding is black in the image and ``ignore_index`` in the labels.
"""

import cv2
import numpy as np
from mmcv.transforms import BaseTransform
from mmseg.registry import TRANSFORMS

from .sample import Array, Sample, map_both

IGNORE_INDEX = 255


def five_origins(image: tuple[int, int], crop: tuple[int, int]) -> tuple[tuple[int, int], ...]:
    """Return (top, left) of the four corner crops and of the centre crop, the last; never negative."""
    bottom, right = (max(whole - part, 0) for whole, part in zip(image, crop, strict=True))
    return (0, 0), (0, right), (bottom, 0), (bottom, right), (bottom // 2, right // 2)


def crop_padded(array: Array, origin: tuple[int, int], size: tuple[int, int], fill: int) -> Array:
    """Cut ``size`` out of ``array`` [H, W, ...] at ``origin``; what it lacks below and to the right is ``fill``."""
    (top, left), (height, width) = origin, size
    part = array[top : top + height, left : left + width]
    missing = [(0, height - part.shape[0]), (0, width - part.shape[1])] + [(0, 0)] * (array.ndim - 2)
    return np.ascontiguousarray(np.pad(part, missing, constant_values=fill))


def cut_sides(array: Array, shares: tuple[float, float, float, float], interpolation: int) -> Array:
    """Cut shares (top, right, bottom, left) of the height or width off ``array`` [H, W, ...] and resize back.

    At least one row and one column stay. ``interpolation`` is one of OpenCV's.
    """
    height, width = array.shape[:2]
    top, left = min(int(shares[0] * height), height - 1), min(int(shares[3] * width), width - 1)
    bottom = max(height - int(shares[2] * height), top + 1)
    right = max(width - int(shares[1] * width), left + 1)
    return cv2.resize(array[top:bottom, left:right], (width, height), interpolation=interpolation)


def check_crop(size: tuple[int, int]) -> tuple[int, int]:
    """Return ``size`` as (height, width).

    Raises:
        ValueError: it is not two positive numbers.
    """
    if len(size) != 2 or min(size) < 1:
        raise ValueError(f'crop size {tuple(size)}: must be (height, width), both at least 1')
    return int(size[0]), int(size[1])


def crop_sample(sample: Sample, origin: tuple[int, int], size: tuple[int, int]) -> Sample:
    """Crop image and labels alike; see ``crop_padded``."""
    return map_both(
        sample,
        lambda image: crop_padded(image, origin, size, 0),
        lambda label: crop_padded(label, origin, size, IGNORE_INDEX),
    )


@TRANSFORMS.register_module()
class FiveCrop(BaseTransform):
    """Draw one of five crops of ``size`` (height, width): the corners and the centre, equally likely."""

    def __init__(self, size: tuple[int, int]):
        self.size = check_crop(size)

    def transform(self, results: Sample) -> Sample:
        origins = five_origins(results['img'].shape[:2], self.size)
        return crop_sample(results, origins[np.random.randint(len(origins))], self.size)


@TRANSFORMS.register_module()
class CentreCrop(BaseTransform):
    """Take the centre crop of ``size`` (height, width)."""

    def __init__(self, size: tuple[int, int]):
        self.size = check_crop(size)

    def transform(self, results: Sample) -> Sample:
        return crop_sample(results, five_origins(results['img'].shape[:2], self.size)[-1], self.size)


@TRANSFORMS.register_module()
class RandomSideCrop(BaseTransform):
    """Cut up to ``max_share`` of the height or width off each side, each drawn on its own, and resize back.

    Raises:
        ValueError: ``max_share`` would leave nothing (0.5 and more), or is negative.
    """

    def __init__(self, max_share: float = 0.4):
        if not 0 <= max_share < 0.5:
            raise ValueError(f'max_share {max_share}: must be at least 0 and below 0.5')
        self.max_share = max_share

    def transform(self, results: Sample) -> Sample:
        top, right, bottom, left = np.random.uniform(0, self.max_share, 4)
        shares = (top, right, bottom, left)
        return map_both(
            results,
            lambda image: cut_sides(image, shares, cv2.INTER_LINEAR),
            lambda label: cut_sides(label, shares, cv2.INTER_NEAREST),
        )
