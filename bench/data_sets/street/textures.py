"""Noise and sprites that repeat nowhere visibly: made once per process from a fixed seed."""

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

TILE = 256


@dataclass(frozen=True)
class Sprite:
    """Square layers [size, size], 0 to 255: ``cover`` (opacity), ``shade`` (128 = neutral), ``body`` (class)."""

    cover: NDArray[np.uint8]
    shade: NDArray[np.uint8]
    body: NDArray[np.uint8]

    @property
    def size(self) -> int:
        return self.cover.shape[0]

    @property
    def layers(self) -> tuple[NDArray[np.uint8], ...]:
        return self.cover, self.shade, self.body


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
def foliage() -> tuple[Sprite, ...]:
    """Return clumps of leaves: ragged outline, lit from above, holes that show what is behind."""
    return tuple(_clump(np.random.default_rng([5, k]), 96) for k in range(8))


def _clump(rng: np.random.Generator, size: int) -> Sprite:
    y, x = np.mgrid[-1 : 1 : size * 1j, -1 : 1 : size * 1j].astype(np.float32)
    ragged = cut(rng, (size, size), 1.2, seed=3)
    leaves = cut(rng, (size, size), 0.6, seed=4)
    density = 1.0 - np.hypot(x, y) * 1.15 + 0.20 * ragged
    cover = (density + 0.10 * leaves > 0.12) & (density + 0.22 * leaves > -0.02)
    shade = 128 * (1.0 + 0.30 * leaves + 0.16 * ragged - 0.28 * y)
    body = cv2.morphologyEx(cover.astype(np.uint8), cv2.MORPH_CLOSE, np.ones((7, 7), np.uint8))
    return Sprite((cover * 255).astype(np.uint8), np.clip(shade, 12, 250).astype(np.uint8), body * 255)
