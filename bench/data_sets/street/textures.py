"""Noise and sprites that repeat nowhere visibly: made once per process from a fixed seed."""

from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

TILE = 256


# Brightness [256, 1, 1] that the values of a sprite's shading stand for; 128 is neutral.
LEVELS = (np.arange(256, dtype=np.float32) / 128)[:, None, None]


@lru_cache(maxsize=32)
def noise(roughness: float, seed: int = 0) -> NDArray[np.float32]:
    """Return a seamless tile [256, 256] of zero mean and unit variance.

    ``roughness`` is the exponent of the amplitude spectrum: 0 gives white noise, 1 stains, 2 clouds.
    """
    white = np.random.default_rng([seed, 71]).standard_normal((TILE, TILE))
    fy, fx = np.meshgrid(np.fft.fftfreq(TILE), np.fft.rfftfreq(TILE), indexing='ij')
    radius = np.hypot(fy, fx)
    radius[0, 0] = np.inf
    tile = np.fft.irfft2(np.fft.rfft2(white) / radius**roughness, s=(TILE, TILE))
    return ((tile - tile.mean()) / tile.std()).astype(np.float32)


def cut(rng: np.random.Generator, shape: tuple[int, int], roughness: float, seed: int = 0) -> NDArray[np.float32]:
    """Return a random piece [h, w] of a noise tile, repeated where it is larger than the tile."""
    tile = noise(roughness, seed)
    top, left = (int(v) for v in rng.integers(TILE, size=2))
    if top + shape[0] <= TILE and left + shape[1] <= TILE:
        return tile[top : top + shape[0], left : left + shape[1]]
    rows, columns = (np.arange(top, top + shape[0]) % TILE, np.arange(left, left + shape[1]) % TILE)
    return tile.take(rows, axis=0).take(columns, axis=1)


def sample(tile: NDArray[np.float32], x: NDArray[np.float32], y: NDArray[np.float32]) -> NDArray[np.float32]:
    """Look a tile up at positions ``x``, ``y`` [H, W] in tile pixels, below 32768, wrapped around, bilinear."""
    return cv2.remap(tile, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_WRAP)


@lru_cache(maxsize=1)
def foliage() -> tuple[NDArray[np.uint8], ...]:
    """Return clumps of leaves, uint8 [96, 96, 3]: opacity, shading (128 = neutral), and the part that counts as leaves.

    Their outline is ragged, the light comes from above, and small holes show what is behind.
    """
    return tuple(_clump(np.random.default_rng([5, k]), 96) for k in range(8))


def _clump(rng: np.random.Generator, size: int) -> NDArray[np.uint8]:
    y, x = np.mgrid[-1 : 1 : size * 1j, -1 : 1 : size * 1j].astype(np.float32)
    ragged = cut(rng, (size, size), 1.2, seed=3)
    leaves = cut(rng, (size, size), 0.6, seed=4)
    density = 1.0 - np.hypot(x, y) * 1.15 + 0.20 * ragged
    cover = (density + 0.10 * leaves > 0.12) & (density + 0.22 * leaves > -0.02)
    shade = np.clip(128 * (1.0 + 0.30 * leaves + 0.16 * ragged - 0.28 * y), 12, 250)
    body = cv2.morphologyEx(cover.astype(np.uint8), cv2.MORPH_CLOSE, np.ones((7, 7), np.uint8))
    return np.stack([cover * 255, shade, body * 255], axis=2).astype(np.uint8)
