"""Sky, and everything flat: road, lane marks, kerbs, pavements, grass, rails, shadows of the houses."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from bench.data_sets.street import textures
from bench.data_sets.street.canvas import Canvas, Colour
from bench.data_sets.street.classes import ROAD, SIDEWALK, SKY, TERRAIN

Grid = NDArray[np.float32]

LANE_M = 3.2


@dataclass(frozen=True)
class Street:
    """Where things stand across the road, X in metres: left is negative.

    ``left`` and ``right`` are the kerbs, ``walk_*`` the outer edges of the pavements, ``plot_*`` the lines where
    gardens end and houses begin. ``crossing`` is the near edge (Z) of a cross street, ``rails`` the X of a tram track.
    """

    left: float
    right: float
    walk_left: float
    walk_right: float
    plot_left: float
    plot_right: float
    crossing: float | None
    crossing_m: float
    rails: float | None
    green_left: bool
    green_right: bool

    def at_crossing(self, z: float, margin: float = 0.0) -> bool:
        """Say whether distance ``z`` lies on the cross street, widened by ``margin`` metres."""
        return self.crossing is not None and self.crossing - margin < z < self.crossing + self.crossing_m + margin


def paint_sky(canvas: Canvas, rng: np.random.Generator) -> None:
    """Fill the canvas with sky: a gradient down to the haze, and clouds."""
    height, width = canvas.camera.size
    zenith: dict[str, Colour] = {
        'sunny': (92, 140, 205),
        'overcast': (188, 194, 202),
        'hazy': (176, 188, 200),
        'dusk': (120, 120, 150),
    }
    top = np.asarray(zenith[canvas.weather.name], np.float32) * rng.uniform(0.92, 1.08)
    low = np.asarray(canvas.weather.haze, np.float32) * 1.08
    # Nothing in a sky is sharp: paint it small and stretch it.
    shape = (height // 8, width // 8)
    ramp = (
        np.clip(np.arange(shape[0], dtype=np.float32) * 8 / max(canvas.camera.centre[1], 1), 0, 1)[:, None, None] ** 0.8
    )
    sky = top * (1 - ramp) + low * ramp
    clouds = cv2.resize(textures.cut(rng, (48, 128), 1.7, seed=1), shape[::-1], interpolation=cv2.INTER_CUBIC)
    amount = {'sunny': 0.34, 'overcast': 0.16, 'hazy': 0.10, 'dusk': 0.22}[canvas.weather.name]
    white = np.clip(clouds * 0.6 + rng.uniform(-0.2, 0.5), 0, 1.6)[..., None] * amount
    small = np.clip(sky * (1 - white) + (low * 0.4 + 150) * white, 0, 255).astype(np.uint8)
    cv2.resize(small, (width, height), dst=canvas.image, interpolation=cv2.INTER_CUBIC)
    canvas.label[:] = SKY


def paint_ground(canvas: Canvas, street: Street, rng: np.random.Generator) -> None:
    """Paint every pixel below the horizon from the point of the ground plane that it sees."""
    camera = canvas.camera
    first = int(np.ceil(camera.centre[1] + 2))
    rows = np.arange(first, camera.size[0], dtype=np.float32)
    depth = np.float32(camera.focal * camera.height) / (rows - np.float32(camera.centre[1]))
    z: Grid = np.repeat(depth[:, None], camera.size[1], axis=1)
    x: Grid = (np.arange(camera.size[1], dtype=np.float32) - np.float32(camera.centre[0]))[None] * z / camera.focal
    label = _classes(street, x, z)
    colour = _base_colours(label, street, x, rng)
    near = np.minimum(14 / z, np.float32(1))
    fine = textures.sample(textures.noise(0.35, 11), x * 46, z * 30)
    grain = textures.sample(textures.noise(1.0, 12), x * 17 + 90, z * 9)
    stains = textures.sample(textures.noise(1.1, 13), x * 5 + 31, z * 1.6 + 17)
    rough = np.where(label == TERRAIN, 2.2, 1.0).astype(np.float32)
    light = 1 + near * rough * (0.045 * fine + 0.05 * grain) + 0.06 * rough * stains
    light = light * canvas.weather.top * _joints(label, x, z, near) * _house_shadow(canvas, street, x, z)
    _marks(colour, grain, street, x, z, rng)
    clear = np.exp(-z[:, :1] / canvas.weather.haze_m)[..., None]
    colour *= (light * clear[..., 0])[..., None]
    colour += np.asarray(canvas.weather.haze, np.float32) * (1 - clear)
    canvas.image[first:] = np.clip(colour, 0, 255, out=colour).astype(np.uint8)
    canvas.label[first:] = label


def _classes(street: Street, x: Grid, z: Grid) -> NDArray[np.uint8]:
    label = np.full(x.shape, SIDEWALK, np.uint8)
    for side, walk in ((-1, street.walk_left), (1, street.walk_right)):
        green = street.green_left if side < 0 else street.green_right
        if green:
            label[x * side > abs(walk)] = TERRAIN
    label[(x > street.left) & (x < street.right)] = ROAD
    if street.crossing is not None:
        label[(z > street.crossing) & (z < street.crossing + street.crossing_m)] = ROAD
    return label


def _base_colours(label: NDArray[np.uint8], street: Street, x: Grid, rng: np.random.Generator) -> Grid:
    grey = rng.uniform(78, 112)
    pavement = grey + rng.uniform(8, 52)
    palette = np.zeros((256, 3), np.float32)
    palette[ROAD] = (grey, grey * rng.uniform(0.97, 1.02), grey * rng.uniform(0.97, 1.06))
    palette[SIDEWALK] = (pavement * rng.uniform(1.0, 1.07), pavement, pavement * rng.uniform(0.88, 1.02))
    palette[TERRAIN] = np.asarray((92, 104, 52)) * rng.uniform(0.8, 1.15) + rng.uniform(-8, 14, 3)
    # Parking bays and old repairs: strips of another asphalt, still road.
    road = label == ROAD
    edge, bay = street.right - rng.uniform(1.8, 2.3), rng.uniform(0.86, 1.1)
    patch, repair = rng.uniform(street.left, street.right), rng.uniform(0.84, 1.06)
    tone = np.where(road & (x > edge), bay, 1.0).astype(np.float32)
    tone *= np.where(road & (x > patch) & (x < patch + rng.uniform(0.4, 1.4)), repair, 1.0).astype(np.float32)
    colour: Grid = palette.take(label, axis=0)
    colour *= tone[..., None]
    return colour


def _joints(label: NDArray[np.uint8], x: Grid, z: Grid, near: Grid) -> Grid:
    """Return the darkening by joints between paving slabs, faded where they would be thinner than a pixel."""
    across, along = x / np.float32(0.6), z / np.float32(0.6)
    row = np.floor(across)
    along += 0.5 * row
    slab = (across - row < 0.075) | (along - np.floor(along) < 0.115)
    return 1 - 0.22 * (slab & (label == SIDEWALK)) * np.clip(near * 1.3 - 0.4, 0, 1)


def _house_shadow(canvas: Canvas, street: Street, x: Grid, z: Grid) -> Grid:
    """Return the darkening where the houses on the sun's side keep the light from the road."""
    weather = canvas.weather
    if weather.shadow == 0:
        return np.ones_like(x)
    edge = abs(street.plot_left if weather.sun_side < 0 else street.plot_right)
    skyline = textures.noise(1.0, 21)[0]
    steps = skyline[np.mod((z / 9).astype(int), textures.TILE)]
    reach = edge - 4.5 - 3.0 * steps
    return 1 - weather.shadow * np.clip((x * weather.sun_side - reach) * 3, 0, 1)


def _marks(colour: Grid, scratches: Grid, street: Street, x: Grid, z: Grid, rng: np.random.Generator) -> None:
    """Draw lane lines, zebra, stop line, kerbs and rails over the base colours."""
    worn = 0.55 + 0.4 * rng.random()
    cross = np.zeros(x.shape, bool)
    if street.crossing is not None:
        cross = (z > street.crossing - 0.2) & (z < street.crossing + street.crossing_m + 0.2)
    paint = _lines(street, x, z, rng) & ~cross
    if street.crossing is not None:
        inside = (x > street.left + 0.4) & (x < street.right - 0.4)
        zebra = (z > street.crossing - 4.2) & (z < street.crossing - 1.2) & (x - np.floor(x) < 0.5)
        stop = (np.abs(z - street.crossing + 5.6) < 0.22) & (x > -LANE_M / 2)
        paint |= inside & (zebra | stop)
    paint &= scratches > -1.2 - worn
    colour[paint] = colour[paint] * (1 - worn) + 205 * worn
    for side, kerb in ((-1, street.left), (1, street.right)):
        band = (np.abs(x - kerb) < np.maximum(0.10, z * 0.0018)) & ~cross
        colour[band] = colour[band] * 0.5 + 82
        gutter = ((kerb - x) * side > 0.10) & ((kerb - x) * side < 0.24) & ~cross
        colour[gutter] *= 0.72
    if street.rails is not None:
        for offset in (-0.72, 0.72):
            rim = np.abs(x - street.rails - offset)
            colour[rim < np.maximum(0.09, z * 0.002)] *= 0.62
            colour[rim < np.maximum(0.035, z * 0.0008)] = 152


def _lines(street: Street, x: Grid, z: Grid, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Say where the dashed middle line and, on some streets, the edge lines run."""
    width = np.maximum(0.14, z * 0.0022)
    period = rng.uniform(6, 11)
    dashes = np.mod(z[:, :1], period) < period * rng.uniform(0.35, 0.6)
    paint = (np.abs(x + LANE_M / 2) < width / 2) & dashes
    if rng.random() < 0.5:
        for edge in (street.left + 0.3, street.right - 0.3):
            paint |= np.abs(x - edge) < width / 2
    return paint
