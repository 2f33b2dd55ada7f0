"""What stands along a pavement: poles, lamps, signs, signals, fences, walls, and bins that belong to no class."""

import cv2
import numpy as np

from bench.data_sets.street import textures
from bench.data_sets.street.canvas import Canvas, Colour, scaled
from bench.data_sets.street.classes import FENCE, LIGHT, POLE, SIGN, VOID, WALL

GREYS = ((112, 114, 116), (84, 88, 86), (140, 140, 138), (66, 76, 70), (120, 104, 88))


def paint_pole(canvas: Canvas, x: float, z: float, height: float, width: float, rng: np.random.Generator) -> Colour:
    """Paint an upright pole (metres) and return its lit colour."""
    colour = canvas.weather.dim(GREYS[rng.integers(len(GREYS))], 'front', z)
    half = width / 2
    canvas.ground_shadow(x, z, width * 4, width * 4, 0.35)
    canvas.upright(x - half, x + half, 0, height, z, colour, POLE)
    bright, dark = (half, -half) if canvas.weather.sun_side > 0 else (-half, half)
    canvas.upright(x + dark * 0.3, x + dark, 0, height, z, scaled(colour, 0.62), None)
    canvas.upright(x + bright * 0.5, x + bright, 0, height, z, scaled(colour, 1.2), None)
    return colour


def paint_lamp(canvas: Canvas, x: float, z: float, rng: np.random.Generator) -> None:
    """Paint a street lamp whose arm reaches over the road."""
    height, reach = rng.uniform(5.5, 8.5), rng.uniform(0.8, 2.2)
    colour = paint_pole(canvas, x, z, height, rng.uniform(0.13, 0.2), rng)
    side = -1 if x > 0 else 1
    scale = canvas.camera.pixels_per_metre(z)
    arm = canvas.camera.project(
        [(x, height - 0.4, z), (x + side * reach * 0.5, height, z), (x + side * reach, height, z)]
    )
    canvas.stroke(arm, max(1.6, 0.1 * scale), colour, POLE)
    head = canvas.camera.project([(x + side * reach, height - 0.03, z)])[0]
    canvas.disc(head, (0.42 * scale, 0.11 * scale), scaled(colour, 0.8), None)


def paint_sign(canvas: Canvas, x: float, z: float, rng: np.random.Generator, big: bool = False) -> None:
    """Paint a road sign on its pole: round, triangular, octagonal, or a rectangular panel."""
    height = rng.uniform(2.3, 3.2)
    paint_pole(canvas, x, z, height, 0.08, rng)
    kind = 'panel' if big else str(rng.choice(['ban', 'warning', 'stop', 'duty', 'panel']))
    radius = rng.uniform(0.30, 0.42)
    if rng.random() < 0.12:
        # The back of a sign is grey and still a sign.
        _plate(canvas, x, height - 0.1, z, radius, 24, (120, 122, 124), SIGN)
        return
    middle = height - 0.1
    if kind == 'ban':
        _plate(canvas, x, middle, z, radius, 24, (186, 34, 38), SIGN)
        _plate(canvas, x, middle, z, radius * 0.74, 24, (226, 224, 218), None)
        _bar(canvas, x, middle, z, radius * 0.3, radius * 0.5, (40, 40, 44))
    elif kind == 'warning':
        _plate(canvas, x, middle, z, radius * 1.25, 3, (190, 36, 38), SIGN)
        _plate(canvas, x, middle, z, radius * 0.78, 3, (230, 224, 200), None)
    elif kind == 'stop':
        _plate(canvas, x, middle, z, radius, 8, (178, 30, 36), SIGN)
        _bar(canvas, x, middle, z, radius * 1.3, radius * 0.3, (228, 226, 222))
    elif kind == 'duty':
        _plate(canvas, x, middle, z, radius, 24, (36, 78, 160), SIGN)
        _bar(canvas, x, middle, z, radius * 0.25, radius * 1.1, (226, 228, 232))
    else:
        _panel(canvas, x, middle, z, rng, big)


def _panel(canvas: Canvas, x: float, y: float, z: float, rng: np.random.Generator, big: bool) -> None:
    colours = ((38, 82, 160), (224, 190, 40), (222, 222, 218), (30, 104, 70))
    colour = colours[rng.integers(len(colours))]
    half, tall = (
        (rng.uniform(0.6, 1.0), rng.uniform(0.7, 1.1)) if big else (rng.uniform(0.25, 0.4), rng.uniform(0.3, 0.6))
    )
    canvas.upright(x - half, x + half, y - tall / 2, y + tall / 2, z, canvas.weather.dim(colour, 'front', z), SIGN)
    ink = (34, 34, 38) if sum(colour) > 420 else (228, 228, 228)
    for k in range(3):
        level = y + tall * (0.26 - 0.26 * k)
        _bar(canvas, x - half * rng.uniform(0, 0.3), level, z, half * rng.uniform(0.8, 1.4), tall * 0.10, ink)


def paint_signal(canvas: Canvas, x: float, z: float, arm: bool, rng: np.random.Generator) -> None:
    """Paint a traffic light on its pole; ``arm`` hangs a second one over the road."""
    height = 5.6 if arm else 3.1
    colour = paint_pole(canvas, x, z, height, 0.14, rng)
    _signal_head(canvas, x, 2.35, z, rng)
    if arm:
        side = -1 if x > 0 else 1
        scale = canvas.camera.pixels_per_metre(z)
        canvas.stroke(
            canvas.camera.project([(x, height, z), (x + side * 3.4, height, z)]), max(2, 0.1 * scale), colour, POLE
        )
        _signal_head(canvas, x + side * 3.1, height - 1.0, z, rng)


def _signal_head(canvas: Canvas, x: float, y: float, z: float, rng: np.random.Generator) -> None:
    case = canvas.weather.dim((34, 36, 36), 'front', z)
    canvas.upright(x - 0.19, x + 0.19, y - 0.06, y + 1.04, z, case, LIGHT)
    on = rng.integers(3)
    scale = canvas.camera.pixels_per_metre(z)
    for k, lit in enumerate(((60, 220, 130), (250, 180, 60), (245, 60, 50))):
        colour = lit if k == on else canvas.weather.dim(scaled(lit, 0.22), 'front', z)
        canvas.disc(canvas.camera.project([(x, y + 0.17 + 0.32 * k, z)])[0], (0.12 * scale, 0.12 * scale), colour, None)


def paint_bin(canvas: Canvas, x: float, z: float, rng: np.random.Generator) -> None:
    """Paint a bin, box or cabinet: an object outside the classes, left unlabelled."""
    colours = ((52, 66, 52), (60, 62, 66), (150, 126, 60), (88, 60, 50))
    colour = colours[rng.integers(len(colours))]
    width, height = rng.uniform(0.4, 0.9), rng.uniform(0.7, 1.3)
    canvas.ground_shadow(x, z, width * 1.5, width * 1.5, 0.5)
    canvas.upright(x - width / 2, x + width / 2, 0, height, z, canvas.weather.dim(colour, 'front', z), VOID)
    canvas.upright(
        x - width / 2,
        x + width / 2,
        height * 0.85,
        height,
        z,
        canvas.weather.dim(scaled(colour, 1.35), 'front', z),
        None,
    )
    canvas.upright(
        x - width * 0.2,
        x + width * 0.2,
        height * 0.5,
        height * 0.7,
        z,
        canvas.weather.dim(scaled(colour, 0.5), 'front', z),
        None,
    )


def paint_wall(canvas: Canvas, x: float, z0: float, z1: float, height: float, rng: np.random.Generator) -> None:
    """Paint a free-standing wall along the street, of brick, stone or concrete."""
    scale = float(np.clip(canvas.camera.pixels_per_metre(max(z0, 5.0)) * 0.5, 6, 36))
    shape = (max(4, int(height * scale)), max(8, int((z1 - z0) * scale)))
    base = ((152, 98, 78), (158, 150, 138), (138, 138, 136), (186, 178, 160))[rng.integers(4)]
    stains = 0.10 * textures.cut(rng, shape, 1.2, seed=2) + 0.07 * textures.cut(rng, shape, 0.5, seed=9)
    picture = np.asarray(base, np.float32) * rng.uniform(0.75, 1.05) * (1 + stains)[..., None]
    course = max(3, int(scale * 0.22))
    picture[::course] *= 0.84
    for k, row in enumerate(range(0, shape[0], course)):
        picture[row : row + course, (k % 2) * course :: course * 2] *= 0.88
    picture[: max(2, int(0.12 * scale))] = np.asarray(base, np.float32) * 1.12
    picture *= np.linspace(1.05, 0.75, shape[0], dtype=np.float32)[:, None, None]
    _along(canvas, picture, x, z0, z1, height, WALL, None)


def paint_fence(canvas: Canvas, x: float, z0: float, z1: float, height: float, rng: np.random.Generator) -> None:
    """Paint a fence along the street: pickets, rails or mesh; what is behind shows through, the class does not."""
    scale = float(np.clip(canvas.camera.pixels_per_metre(max(z0, 5.0)) * 0.6, 8, 48))
    shape = (max(6, int(height * scale)), max(12, int((z1 - z0) * scale)))
    base = ((92, 70, 52), (58, 70, 62), (150, 152, 152), (206, 202, 194), (44, 46, 48))[rng.integers(5)]
    picture = (
        np.broadcast_to(np.asarray(base, np.float32), (*shape, 3))
        * (1 + 0.12 * textures.cut(rng, shape, 0.6, seed=9))[..., None]
    )
    y, along = np.mgrid[0 : shape[0], 0 : shape[1]].astype(np.float32) / scale
    kind = rng.integers(3)
    post = np.mod(along, 2.2) < 0.12
    rails = (np.abs(y - height * 0.12) < 0.05) | (np.abs(y - height * 0.85) < 0.05)
    if kind == 0:
        bars = np.mod(along, 0.18) < 0.12
    elif kind == 1:
        bars = np.mod(along, 0.24) < 0.055
    else:
        bars = (np.mod(along + y, 0.22) < 0.045) | (np.mod(along - y, 0.22) < 0.045)
    alpha = cv2.dilate(((post | rails | bars) * 255).astype(np.uint8), np.ones((2, 2), np.uint8))
    _along(canvas, picture, x, z0, z1, height, FENCE, alpha)


def _along(
    canvas: Canvas,
    picture: np.ndarray,
    x: float,
    z0: float,
    z1: float,
    height: float,
    label: int,
    alpha: np.ndarray | None,
) -> None:
    z = np.linspace(z0, z1, picture.shape[1], dtype=np.float32)
    clear = np.exp(-z / canvas.weather.haze_m)[None, :, None]
    light = canvas.weather.left if x > 0 else canvas.weather.right
    lit = picture * light * clear + np.asarray(canvas.weather.haze, np.float32) * (1 - clear)
    foot = canvas.camera.project([(x - 0.25, 0, z0), (x - 0.25, 0, z1), (x + 0.25, 0, z1), (x + 0.25, 0, z0)])
    canvas.shade(foot, 0.35)
    corners = [(x, height, z0), (x, height, z1), (x, 0, z1), (x, 0, z0)]
    canvas.sheet(np.clip(lit, 0, 255).astype(np.uint8), corners, label, alpha)


def _plate(
    canvas: Canvas, x: float, y: float, z: float, radius: float, corners: int, colour: Colour, label: int | None
) -> None:
    turn = np.pi / 2 + (np.pi / corners if corners == 8 else 0)
    angle = np.linspace(0, 2 * np.pi, corners, endpoint=False) + turn
    ring = np.stack([x + radius * np.cos(angle), y + radius * np.sin(angle), np.full(corners, z)], axis=1)
    canvas.solid(ring, canvas.weather.dim(colour, 'front', z), label)


def _bar(canvas: Canvas, x: float, y: float, z: float, width: float, height: float, colour: Colour) -> None:
    canvas.upright(
        x - width / 2, x + width / 2, y - height / 2, y + height / 2, z, canvas.weather.dim(colour, 'front', z), None
    )
