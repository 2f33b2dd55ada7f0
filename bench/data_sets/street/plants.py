"""Trees, hedges and bushes: clumps of leaves stamped from the dark inside of a crown to its lit outside."""

import numpy as np

from bench.data_sets.street import textures
from bench.data_sets.street.canvas import Canvas, Colour, scaled
from bench.data_sets.street.classes import VEGETATION

GREENS = ((74, 96, 44), (88, 102, 52), (62, 84, 48), (104, 106, 56), (70, 90, 62), (122, 104, 58))


def paint_tree(canvas: Canvas, x: float, z: float, height: float, rng: np.random.Generator) -> None:
    """Paint a tree of ``height`` metres whose trunk stands at (``x``, ``z``)."""
    scale = canvas.camera.pixels_per_metre(z)
    foot = canvas.camera.project([(x, 0, z)])[0]
    bark = canvas.weather.dim((84, 70, 58), 'front', z)
    trunk = height * 0.028 * scale
    lean = rng.uniform(-0.4, 0.4) * scale
    fork = foot + np.array([lean, -height * 0.5 * scale])
    canvas.ground_shadow(x, z, height * 0.3, height * 0.35, 0.3)
    half = np.array([trunk, 0])
    column = np.stack([foot - half * 1.3, foot + half * 1.3, fork + half * 0.7, fork - half * 0.7])
    canvas.fill(column.astype(np.float32), bark, VEGETATION)
    dark = scaled(bark, 0.62)
    shady = np.stack([foot, foot + half * 1.3, fork + half * 0.7, fork])
    canvas.fill(shady.astype(np.float32), dark, None)
    for _ in range(4):
        tip = fork + np.array([rng.uniform(-0.22, 0.22), -rng.uniform(0.15, 0.35)]) * height * scale
        canvas.stroke(np.stack([fork, tip]).astype(np.float32), trunk * 0.6, dark, VEGETATION)
    _crown(canvas, fork, height * scale, z, rng)


def _crown(canvas: Canvas, fork: np.ndarray, size: float, z: float, rng: np.random.Generator) -> None:
    green = np.asarray(GREENS[rng.integers(len(GREENS))]) * rng.uniform(0.85, 1.1)
    spread, rise = rng.uniform(0.24, 0.36), rng.uniform(0.30, 0.42)
    centre = fork - np.array([0, size * 0.18])
    clumps = int(np.clip(size / 14, 6, 22))
    for k in range(clumps):
        # Later clumps are nearer to the eye: higher, brighter, and on the side of the sun.
        age = k / max(clumps - 1, 1)
        angle = rng.uniform(0, 2 * np.pi)
        reach = np.sqrt(rng.random()) * 0.8
        place = centre + np.array([np.cos(angle) * spread, np.sin(angle) * rise * 0.8 - 0.06 * age]) * size * reach
        radius = size * rng.uniform(0.13, 0.20) * (1.25 - 0.45 * age)
        sunny = 0.5 + 0.5 * np.cos(angle) * canvas.weather.sun_side - 0.35 * np.sin(angle)
        light = 0.62 + 0.38 * age + 0.22 * (sunny - 0.5)
        colour = canvas.weather.dim(tuple(green * light), 'top', z)
        _stamp(canvas, place, radius, radius * rng.uniform(0.75, 1.0), colour, rng)


def paint_hedge(canvas: Canvas, x: float, z: float, width: float, height: float, rng: np.random.Generator) -> None:
    """Paint a bush or a piece of hedge, ``width`` by ``height`` metres, that grows at (``x``, ``z``)."""
    scale = canvas.camera.pixels_per_metre(z)
    foot = canvas.camera.project([(x, 0, z)])[0]
    green = np.asarray(GREENS[rng.integers(len(GREENS))]) * rng.uniform(0.7, 1.05)
    canvas.ground_shadow(x, z, width, 0.8, 0.35)
    clumps = int(np.clip(width * scale / 14, 3, 10))
    for k in range(clumps):
        place = foot + np.array([rng.uniform(-0.5, 0.5) * width, -rng.uniform(0.3, 0.62) * height]) * scale
        radius = height * scale * rng.uniform(0.4, 0.55)
        colour = canvas.weather.dim(tuple(green * (0.7 + 0.35 * k / clumps)), 'top', z)
        _stamp(canvas, place, radius * 1.2, radius, colour, rng)


def _stamp(canvas: Canvas, place: np.ndarray, rx: float, ry: float, colour: Colour, rng: np.random.Generator) -> None:
    sprites = textures.foliage()
    box = (place[0] - rx, place[1] - ry, place[0] + rx, place[1] + ry)
    canvas.stamp(sprites[rng.integers(len(sprites))], box, colour, VEGETATION)
