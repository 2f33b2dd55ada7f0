"""Augmentation of a whole batch on the device that trains: the laws of the transforms of the same names, drawn anew.

Numbers are drawn for each image from torch's generator on the CPU, which a resumed run restores; nothing waits for the
device. Shapes: ``images`` [B, 3, H, W] in BGR, whole grey levels 0 to 255 in float32; ``labels`` [B, 1, H, W].
"""

from collections.abc import Callable, Mapping, Sequence
from functools import reduce
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

Batch = tuple[Tensor, Tensor]
Transform = Callable[[Tensor, Tensor], Batch]
WIDEST_SIGMAS = 4.0
"""How many standard deviations a Gaussian reaches to each side."""


def build(steps: Sequence[Mapping[str, Any]]) -> list[Transform]:
    """Return the batch transforms of these configs.

    Raises:
        ValueError: there is none of that name; lists those there are.
    """
    made = []
    for step in steps:
        arguments = {key: value for key, value in step.items() if key != 'type'}
        if step['type'] not in BATCHED:
            raise ValueError(f'no batch transform {step["type"]!r}: choose from {", ".join(sorted(BATCHED))}')
        made.append(BATCHED[step['type']](**arguments))
    return made


def uniform(like: Tensor, low: float, high: float) -> Tensor:
    """Draw one number an image: [B, 1, 1, 1] on the device of ``like``."""
    drawn = torch.empty(like.shape[0], 1, 1, 1).uniform_(low, high)
    return drawn.to(like.device, non_blocking=True)


def chosen(like: Tensor, prob: float) -> Tensor:
    """Choose each image with probability ``prob``: bool [B, 1, 1, 1]."""
    return (torch.rand(like.shape[0], 1, 1, 1) < prob).to(like.device, non_blocking=True)


def stretch(images: Tensor, factor: Tensor | float, offset: Tensor | float = 0.0) -> Tensor:
    """Return ``factor * images + offset``, cut off to whole levels as the toolbox's distortion does."""
    return (images * factor + offset).clamp(0, 255).floor()


def change_colour(images: Tensor, saturation: Tensor, hue: Tensor) -> Tensor:
    """Multiply the saturation, and turn the hue by ``hue`` half degrees; exact where OpenCV rounds hue to 2 degrees."""
    blue, green, red = images.unbind(1)
    value, low = images.amax(1), images.amin(1)
    spread = value - low
    safe = spread.clamp(min=1e-6)
    sector = torch.where(
        value == red,
        (green - blue) / safe,
        torch.where(value == green, 2 + (blue - red) / safe, 4 + (red - green) / safe),
    )
    turned = (sector + hue.flatten(1)[..., None] / 30) % 6
    chroma = (spread * saturation.flatten(1)[..., None]).minimum(value)

    def channel(shift: int) -> Tensor:
        place = (shift + turned) % 6
        return value - chroma * torch.minimum(place, 4 - place).clamp(0, 1)

    return torch.stack([channel(1), channel(3), channel(5)], 1).round().clamp(0, 255)


def weigh_neighbours(planes: Tensor, weights: Tensor, axis: int) -> Tensor:
    """Return the weighted sums of n neighbours along ``axis``, of which n - 1 are lost; ``weights`` are [B or 1, n].

    Not a convolution: a GPU may round the levels of one to 10 bits (TF32), and autocast to 8.
    """
    count = weights.shape[1]
    left = planes.shape[axis] - count + 1
    parts = (weights[:, i].reshape(-1, 1, 1, 1) * planes.narrow(axis, i, left) for i in range(count))
    return reduce(torch.add, parts)


def blur(images: Tensor, sigmas: Tensor, widest: float) -> Tensor:
    """Blur each image by a Gaussian of its own standard deviation (0 leaves it), in pixels, at most ``widest``."""
    radius = max(1, round(WIDEST_SIGMAS * widest))
    reach = torch.arange(-radius, radius + 1, device=images.device, dtype=images.dtype)
    weights = torch.exp(-0.5 * (reach / sigmas.reshape(-1, 1).clamp(min=1e-3)) ** 2)
    weights = weights / weights.sum(1, keepdim=True)
    padded = F.pad(images, (radius, radius, radius, radius), mode='reflect')
    return weigh_neighbours(weigh_neighbours(padded, weights, 3), weights, 2).round()


def sharpen(images: Tensor, factor: float) -> Tensor:
    """Move each pixel away from its smoothed surroundings, as ``mmcv.adjust_sharpness``."""
    padded, ones = F.pad(images, (1, 1, 1, 1), mode='reflect'), torch.ones(1, 3, device=images.device)
    square = weigh_neighbours(weigh_neighbours(padded, ones, 3), ones, 2)
    smooth = ((square + 4 * images) / 13).round()
    return (images * factor + smooth * (1 - factor)).clamp(0, 255).floor()


def random_flip(prob: float = 0.5, direction: str = 'horizontal') -> Transform:
    """Mirror image and labels; ``direction`` is horizontal, vertical or diagonal."""
    axes = {'horizontal': (-1,), 'vertical': (-2,), 'diagonal': (-2, -1)}[direction]

    def apply(images: Tensor, labels: Tensor) -> Batch:
        picked = chosen(images, prob)
        return torch.where(picked, images.flip(axes), images), torch.where(picked, labels.flip(axes), labels)

    return apply


def photo_metric_distortion(
    brightness_delta: int = 32,
    contrast_range: tuple[float, float] = (0.5, 1.5),
    saturation_range: tuple[float, float] = (0.5, 1.5),
    hue_delta: int = 18,
) -> Transform:
    """Each of brightness, contrast (before or after the others), saturation and hue for half of the images."""

    def apply(images: Tensor, labels: Tensor) -> Batch:
        def half(value: Tensor, neutral: float) -> Tensor:
            return torch.where(chosen(images, 0.5), value, neutral)

        brightness = half(uniform(images, -brightness_delta, brightness_delta), 0.0)
        contrast = half(uniform(images, *contrast_range), 1.0)
        saturation = half(uniform(images, *saturation_range), 1.0)
        hue = half(uniform(images, -hue_delta, hue_delta).floor(), 0.0)
        first = chosen(images, 0.5)
        images = stretch(images, 1.0, brightness)
        images = stretch(images, torch.where(first, contrast, 1.0))
        images = torch.where((saturation != 1) | (hue != 0), change_colour(images, saturation, hue), images)
        return stretch(images, torch.where(first, 1.0, contrast)), labels

    return apply


def random_gaussian_blur(prob: float = 0.5, sigmas: tuple[float, float] = (0.0, 1.0)) -> Transform:
    """Blur some images by a standard deviation drawn from ``sigmas``."""

    def apply(images: Tensor, labels: Tensor) -> Batch:
        drawn = torch.where(chosen(images, prob), uniform(images, *sigmas), 0.0)
        return blur(images, drawn, sigmas[1]), labels

    return apply


def random_sharpness(factor: float = 2.0, prob: float = 0.5) -> Transform:
    """Sharpen some images."""

    def apply(images: Tensor, labels: Tensor) -> Batch:
        return torch.where(chosen(images, prob), sharpen(images, factor), images), labels

    return apply


def rgb_shift(limits: Sequence[float] = (25, 25, 25), prob: float = 0.9) -> Transform:
    """Shift red, green and blue of some images, each by its own number of levels."""
    widths = torch.tensor([float(limit) for limit in reversed(limits)]).reshape(1, 3, 1, 1)

    def apply(images: Tensor, labels: Tensor) -> Batch:
        offsets = torch.empty(len(images), 3, 1, 1).uniform_(-1, 1) * widths
        shifted = (images + offsets.to(images.device, non_blocking=True)).round().clamp(0, 255)
        return torch.where(chosen(images, prob), shifted, images), labels

    return apply


BATCHED: Mapping[str, Callable[..., Transform]] = {
    'PhotoMetricDistortion': photo_metric_distortion,
    'RGBShift': rgb_shift,
    'RandomFlip': random_flip,
    'RandomGaussianBlur': random_gaussian_blur,
    'RandomSharpness': random_sharpness,
}
"""By the name of the transform of single samples that has the same law."""
