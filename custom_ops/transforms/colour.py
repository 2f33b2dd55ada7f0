"""Changes of colour and grey level, on uint8 images [H, W, 3] in BGR; labels stay as they are.

Source: unet_phases II.11 (shift, jitter), hierarchical_attention (contrast, multiplication, noise), as coded.
"""

from functools import partial

import cv2
import numpy as np
from mmcv.transforms import BaseTransform
from mmseg.registry import TRANSFORMS

from .sample import LEVELS, Array, Sample, look_up, map_image, to_uint8

MIDDLE_GREY = 127.0
HUE_DEGREES = 180  # OpenCV stores the hue of an 8-bit image as half degrees


def stretch_contrast(image: Array, factor: float, pivot: float = MIDDLE_GREY) -> Array:
    """Multiply each value's distance from ``pivot`` by ``factor``."""
    return look_up(image, to_uint8(pivot + factor * (LEVELS.astype(np.float32) - pivot)))


def scale_values(image: Array, factors: Array | float) -> Array:
    """Multiply by one factor, or by one for each of the three channels."""
    levels = LEVELS.astype(np.float32)[:, None]
    return look_up(image, to_uint8(levels * np.asarray(factors, np.float32)))


def shift_values(image: Array, offsets: Array) -> Array:
    """Add one offset, in grey levels, to each of the three channels."""
    return look_up(image, to_uint8(LEVELS.astype(np.float32)[:, None] + np.asarray(offsets, np.float32)))


def luminance(image: Array) -> Array:
    """Return the grey image [H, W, 1], in float32."""
    return cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)[..., None].astype(np.float32)


def scale_saturation(image: Array, factor: float) -> Array:
    """Move each pixel away from (above 1) or towards (below 1) its own grey."""
    grey = luminance(image)
    return to_uint8(grey + factor * (image.astype(np.float32) - grey))


def turn_hue(image: Array, share: float) -> Array:
    """Turn the hue by ``share`` of the full circle."""
    hsv = cv2.cvtColor(image, cv2.COLOR_BGR2HSV)
    turned = (hsv[..., 0].astype(np.int64) + round(share * HUE_DEGREES)) % HUE_DEGREES
    hsv[..., 0] = turned.astype(np.uint8)
    return cv2.cvtColor(hsv, cv2.COLOR_HSV2BGR)


def check_range(name: str, bounds: tuple[float, float]) -> tuple[float, float]:
    """Return ``bounds`` as (low, high).

    Raises:
        ValueError: they are not ordered, or negative.
    """
    low, high = bounds
    if not 0 <= low <= high:
        raise ValueError(f'{name} {tuple(bounds)}: must be (low, high) with 0 <= low <= high')
    return float(low), float(high)


@TRANSFORMS.register_module()
class RGBShift(BaseTransform):
    """With probability ``prob``, add to red, green and blue one offset each, within +-``limits`` grey levels."""

    def __init__(self, limits: tuple[float, float, float] = (25, 25, 25), prob: float = 0.9):
        self.limits = np.asarray(limits, np.float32)
        self.prob = prob

    def transform(self, results: Sample) -> Sample:
        if np.random.rand() >= self.prob:
            return results
        red_green_blue = np.random.uniform(-self.limits, self.limits)
        return map_image(results, lambda image: shift_values(image, red_green_blue[::-1]))


@TRANSFORMS.register_module()
class RandomContrast(BaseTransform):
    """Stretch the contrast about the middle grey by a factor drawn from ``factors`` (low, high)."""

    def __init__(self, factors: tuple[float, float] = (0.75, 1.25)):
        self.factors = check_range('factors', factors)

    def transform(self, results: Sample) -> Sample:
        factor = np.random.uniform(*self.factors)
        return map_image(results, lambda image: stretch_contrast(image, factor))


@TRANSFORMS.register_module()
class RandomMultiply(BaseTransform):
    """Multiply by a factor drawn from ``factors``; with probability ``per_channel``, by one for each channel."""

    def __init__(self, factors: tuple[float, float] = (0.8, 1.2), per_channel: float = 0.2):
        self.factors = check_range('factors', factors)
        self.per_channel = per_channel

    def transform(self, results: Sample) -> Sample:
        count = 3 if np.random.rand() < self.per_channel else 1
        drawn = np.random.uniform(*self.factors, size=count)
        return map_image(results, lambda image: scale_values(image, drawn))


@TRANSFORMS.register_module()
class AdditivePoissonNoise(BaseTransform):
    """Add to each pixel, in all channels alike, a Poisson number of grey levels with a random sign.

    The law's mean is drawn once per image from ``rates`` (low, high).
    """

    def __init__(self, rates: tuple[float, float] = (10.0, 20.0)):
        self.rates = check_range('rates', rates)

    def transform(self, results: Sample) -> Sample:
        shape = (*results['img'].shape[:2], 1)
        size = np.random.poisson(np.random.uniform(*self.rates), shape)
        sign = np.random.choice((-1, 1), shape)
        return map_image(results, lambda image: to_uint8(image.astype(np.float32) + sign * size))


@TRANSFORMS.register_module()
class ColourJitter(BaseTransform):
    """Change brightness, contrast, saturation and hue, in random order.

    The first three are factors within 1 +- the argument; the hue turns by at most that share of the circle.
    """

    def __init__(self, brightness: float = 0.2, contrast: float = 0.2, saturation: float = 0.2, hue: float = 0.2):
        self.strengths = dict(brightness=brightness, contrast=contrast, saturation=saturation, hue=hue)

    def transform(self, results: Sample) -> Sample:
        names = list(self.strengths)
        drawn = {name: np.random.uniform(-limit, limit) for name, limit in self.strengths.items()}
        for index in np.random.permutation(len(names)):
            name = names[index]
            results = map_image(results, partial(jitter, name=name, amount=drawn[name]))
        return results


def jitter(image: Array, name: str, amount: float) -> Array:
    """Change one property by ``amount``; 0 changes nothing."""
    if name == 'brightness':
        return scale_values(image, 1 + amount)
    if name == 'contrast':
        return stretch_contrast(image, 1 + amount, pivot=float(luminance(image).mean()))
    if name == 'saturation':
        return scale_saturation(image, 1 + amount)
    return turn_hue(image, amount)
