"""From a painted canvas to a photograph: lens, exposure, sensor noise, compression, the camera's own car."""

import cv2
import numpy as np
from numpy.typing import NDArray

from bench.data_sets.street import textures
from bench.data_sets.street.canvas import SUPERSAMPLE, Canvas
from bench.data_sets.street.classes import SKY, VOID


def expose(
    canvas: Canvas, size: tuple[int, int], rng: np.random.Generator
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Return the photograph [H, W, 3] (RGB) and the classes [H, W] at the final ``size`` (H, W)."""
    if rng.random() < 0.4:
        _bonnet(canvas, rng)
    image = cv2.resize(canvas.image, size[::-1], interpolation=cv2.INTER_AREA)
    label = np.ascontiguousarray(canvas.label[SUPERSAMPLE // 2 :: SUPERSAMPLE, SUPERSAMPLE // 2 :: SUPERSAMPLE])
    image = cv2.GaussianBlur(image, (0, 0), rng.uniform(0.35, 0.75))
    light = image.astype(np.float32)
    # Surfaces have a grain of their own; the sky has none.
    matter = cv2.blur((label != SKY).astype(np.float32), (3, 3))
    grain = matter * textures.cut(rng, size, 0.9, seed=31) * 0.035
    grain += matter * textures.cut(rng, size, 0.2, seed=32) * 0.02
    light *= (1 + grain)[..., None] * _vignette(size, rng)
    light *= rng.uniform(0.86, 1.14) * np.array([rng.uniform(0.94, 1.06), 1.0, rng.uniform(0.92, 1.08)], np.float32)
    light = 255 * np.clip(light / 255, 0, 1) ** rng.uniform(0.88, 1.12)
    shot = textures.cut(rng, size, 0.0, seed=33)[..., None] * np.sqrt(light + 20) * rng.uniform(0.12, 0.32)
    hue = np.stack([textures.cut(rng, size, 0.4, seed=34 + k) for k in range(3)], axis=2) * rng.uniform(0.6, 1.8)
    noisy = np.clip(light + shot + hue, 0, 255).astype(np.uint8)
    return _compress(noisy, int(rng.integers(82, 96))), label


def _bonnet(canvas: Canvas, rng: np.random.Generator) -> None:
    """Paint the camera car's bonnet along the lower edge; it belongs to no class."""
    height, width = canvas.camera.size
    x = np.linspace(-0.05, 1.05, 40)
    rise = rng.uniform(0.02, 0.07)
    curve = height * (1 - rise * (1 - np.abs(2 * x - 1) ** 2.6))
    outline = np.stack(
        [np.append(x * width, [1.05 * width, -0.05 * width]), np.append(curve, [height + 9, height + 9])], axis=1
    )
    colour = np.asarray((44, 46, 50)) * rng.uniform(0.5, 1.6)
    canvas.fill(outline.astype(np.float32), tuple(colour), VOID)
    for depth, shine in ((5, 1.9), (14, 1.25)):
        gleam = np.stack([x * width, curve + depth], axis=1).astype(np.float32)
        canvas.stroke(gleam, 5, tuple(np.minimum(colour * shine + 14, 230)), VOID)


def _vignette(size: tuple[int, int], rng: np.random.Generator) -> NDArray[np.float32]:
    y, x = np.mgrid[-1 : 1 : size[0] * 1j, -1 : 1 : size[1] * 1j].astype(np.float32)
    return (1 - rng.uniform(0.02, 0.12) * (x * x + y * y))[..., None]


def _compress(image: NDArray[np.uint8], quality: int) -> NDArray[np.uint8]:
    coded = cv2.imencode('.jpg', image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
    decoded = np.asarray(cv2.imdecode(coded, cv2.IMREAD_COLOR), np.uint8)
    return np.ascontiguousarray(decoded[..., ::-1])
