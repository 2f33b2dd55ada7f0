"""Rows of houses along the street: painted elevations hung on upright planes, and the skyline at its end."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from bench.data_sets.street import textures
from bench.data_sets.street.canvas import Canvas, scaled
from bench.data_sets.street.classes import BUILDING, VEGETATION
from bench.data_sets.street.ground import Street

Picture = NDArray[np.float32]

WALLS = (
    (196, 182, 160),
    (170, 96, 74),
    (205, 200, 190),
    (150, 140, 132),
    (188, 160, 120),
    (128, 84, 66),
    (176, 182, 186),
    (214, 196, 158),
    (120, 118, 116),
    (182, 140, 118),
    (158, 164, 150),
    (222, 216, 206),
)
ROOFS = ((112, 62, 50), (84, 80, 82), (96, 72, 62), (70, 74, 82))
SIGNS = ((168, 40, 40), (34, 84, 52), (38, 62, 120), (30, 30, 32), (196, 160, 60), (228, 226, 220))


@dataclass(frozen=True)
class House:
    """A block whose front stands at ``x`` from ``z0`` to ``z1`` along the street; the top ``roof`` metres slope."""

    x: float
    z0: float
    z1: float
    height: float
    roof: float
    wall: tuple[float, float, float]
    brick: bool
    office: bool


def paint_rows(canvas: Canvas, street: Street, rng: np.random.Generator) -> None:
    """Paint both sides, far houses first; gaps stay open where the cross street runs."""
    for side, edge in ((-1, street.plot_left), (1, street.plot_right)):
        row = _row(street, side, abs(edge), rng)
        for k in range(len(row) - 1, -1, -1):
            _front(canvas, row[k], side, rng)
            if k == 0 or not _hides(row[k - 1], row[k]):
                _gable(canvas, row[k], side, rng)


def _row(street: Street, side: int, edge: float, rng: np.random.Generator) -> list[House]:
    houses = []
    z = rng.uniform(1.0, 4.0)
    tall = rng.uniform(7, 15)
    while z < 130:
        length = rng.uniform(9, 22)
        if street.crossing is not None and z < street.crossing + street.crossing_m and z + length > street.crossing - 2:
            length = street.crossing - 2.5 - z
            if length < 4:
                z = street.crossing + street.crossing_m + 2.5
                continue
        office = rng.random() < 0.22
        height = float(np.clip(rng.normal(tall * (1.3 if office else 1.0), 2.5), 5, 26))
        wall = np.asarray(WALLS[rng.integers(len(WALLS))]) * rng.uniform(0.7, 1.05)
        roof = 0.0 if office or rng.random() < 0.35 else rng.uniform(1.2, 2.6)
        setback = rng.choice([0.0, 0.0, rng.uniform(0.3, 2.5)])
        houses.append(
            House(side * (edge + setback), z, z + length, height, roof, tuple(wall), rng.random() < 0.4, office)
        )
        z += length + (rng.uniform(2, 9) if rng.random() < 0.16 else 0.0)
    return houses


def _hides(nearer: House, house: House) -> bool:
    return nearer.z1 > house.z0 - 0.1 and nearer.height >= house.height and abs(nearer.x) <= abs(house.x)


def _front(canvas: Canvas, house: House, side: int, rng: np.random.Generator) -> None:
    """Hang the street front of a house; it faces the middle of the road."""
    near, far = max(house.z0, 1.6), house.z1
    if far <= near:
        return
    middle = (near * far) ** 0.5
    scale = float(np.clip(canvas.camera.pixels_per_metre(max(near, 6.0)) * 0.5, 3.5, 19))
    picture = elevation(house, house.z1 - house.z0, scale, rng)
    first = int((near - house.z0) * scale)
    picture = picture[:, first:]
    z = np.linspace(near, far, picture.shape[1], dtype=np.float32)
    facing = canvas.weather.left if side > 0 else canvas.weather.right
    clear = np.exp(-z / canvas.weather.haze_m)[None, :, None]
    picture = picture * facing * clear + np.asarray(canvas.weather.haze, np.float32) * (1 - clear)
    order = [(house.x, house.height, near), (house.x, house.height, far), (house.x, 0, far), (house.x, 0, near)]
    if middle > 60:
        picture = cv2.blur(picture, (5, 1))
    canvas.sheet(np.clip(picture, 0, 255).astype(np.uint8), order, BUILDING)


def _gable(canvas: Canvas, house: House, side: int, rng: np.random.Generator) -> None:
    """Hang the end wall that faces the camera, seen where the neighbour in front is missing or lower."""
    if house.z0 < 2.5:
        return
    depth = 14.0
    scale = float(np.clip(canvas.camera.pixels_per_metre(house.z0) * 0.5, 3, 14))
    blind = rng.random() < 0.45
    picture = _plain(house, depth, scale, rng) if blind else elevation(house, depth, scale, rng)
    colour = np.asarray(canvas.weather.haze, np.float32)
    clear = float(np.exp(-house.z0 / canvas.weather.haze_m))
    lit = np.clip(picture * canvas.weather.front * clear + colour * (1 - clear), 0, 255).astype(np.uint8)
    inner, outer = house.x, house.x + side * depth
    top, z = house.height, house.z0
    canvas.sheet(lit, [(inner, top, z), (outer, top, z), (outer, 0, z), (inner, 0, z)], BUILDING)


def _plain(house: House, width: float, scale: float, rng: np.random.Generator) -> Picture:
    shape = (max(8, int(house.height * scale)), max(8, int(width * scale)))
    stains = textures.cut(rng, shape, 1.3, seed=2) * 0.07 + textures.cut(rng, shape, 0.5, seed=6) * 0.05
    picture = np.asarray(house.wall, np.float32) * (1 + stains)[..., None]
    if house.brick:
        _bricks(picture, scale)
    return picture


def elevation(house: House, width: float, scale: float, rng: np.random.Generator) -> Picture:
    """Paint a front ``width`` metres wide at ``scale`` pixels per metre: float32 RGB [h, w, 3], unlit."""
    picture = _plain(house, width, scale, rng)
    floor = rng.uniform(2.8, 3.5)
    bay = rng.uniform(1.3, 2.0) if house.office else rng.uniform(2.0, 3.2)
    bays = max(1, int(width / bay))
    bay = width / bays
    wide, tall = (bay * 0.82, floor * 0.62) if house.office else (rng.uniform(0.9, 1.4), rng.uniform(1.3, 1.8))
    frame = np.asarray((235, 232, 226) if rng.random() < 0.6 else (70, 64, 60), np.float32) * rng.uniform(0.75, 1)
    ground_m = rng.uniform(3.2, 4.2)
    level = ground_m
    while level + floor * 0.8 < house.height - house.roof:
        balcony = not house.office and rng.random() < 0.18
        for k in range(bays):
            left = (k + 0.5) * bay - wide / 2
            _window(picture, left, level + floor * 0.25, wide, tall, frame, scale, rng)
            if balcony and k % 2:
                _box(picture, left - 0.25, level + 0.05, wide + 0.5, 0.95, frame * 0.45, scale)
        _box(picture, 0, level - 0.08, width, 0.14, np.asarray(house.wall, np.float32) * 0.82, scale)
        level += floor
    _shop_floor(picture, house, width, ground_m, bays, frame, scale, rng)
    if house.roof > 0:
        _roof(picture, house, width, scale, rng)
    else:
        _box(picture, 0, house.height - 0.35, width, 0.35, np.asarray(house.wall, np.float32) * 0.7, scale)
    for x in (0.0, width - 0.12):
        _box(picture, x, 0, 0.12, house.height, np.asarray(house.wall, np.float32) * 0.6, scale)
    return picture


def _box(picture: Picture, x: float, y: float, width: float, height: float, colour: Picture, scale: float) -> None:
    """Fill a rectangle whose lower left corner stands at (``x``, ``y``) metres from the front's lower left."""
    rows = picture.shape[0]
    top, bottom = round(rows - (y + height) * scale), round(rows - y * scale)
    left, right = round(x * scale), round((x + width) * scale)
    picture[max(top, 0) : max(bottom, 0), max(left, 0) : max(right, 0)] = colour


def _window(
    picture: Picture,
    x: float,
    y: float,
    width: float,
    height: float,
    frame: Picture,
    scale: float,
    rng: np.random.Generator,
) -> None:
    rim = 0.09
    _box(picture, x - rim, y - rim * 1.5, width + 2 * rim, height + 2.5 * rim, frame, scale)
    dark = np.asarray((52, 60, 70), np.float32) * rng.uniform(0.6, 1.5)
    if rng.random() < 0.2:
        dark = np.asarray((166, 160, 150), np.float32) * rng.uniform(0.7, 1.1)
    _box(picture, x, y, width, height, dark, scale)
    if rng.random() < 0.55:
        _box(picture, x, y + height * 0.55, width, height * 0.45, dark * 1.25 + 18, scale)
    if scale > 9:
        _box(picture, x + width / 2 - 0.03, y, 0.06, height, frame * 0.9, scale)
        _box(picture, x - rim, y - rim * 2.4, width + 2 * rim, rim, frame * 0.6, scale)


def _shop_floor(
    picture: Picture,
    house: House,
    width: float,
    height: float,
    bays: int,
    frame: Picture,
    scale: float,
    rng: np.random.Generator,
) -> None:
    wall = np.asarray(house.wall, np.float32)
    bay = width / bays
    if rng.random() < 0.5:
        _box(picture, 0, 0, width, height - 0.2, wall * rng.uniform(0.55, 0.9), scale)
        sign = np.asarray(SIGNS[rng.integers(len(SIGNS))], np.float32)
        _box(picture, 0.3, height - 0.95, width - 0.6, 0.65, sign, scale)
        for x in np.arange(1.0, width - 1.5, 0.5):
            if rng.random() < 0.45:
                _box(picture, x, height - 0.78, 0.3, 0.3, 250 - sign * 0.8, scale)
        step = bay * 2
        for x in np.arange(0.3, width - 1.5, step):
            glass = np.asarray((46, 52, 58), np.float32) * rng.uniform(0.7, 1.7) + rng.uniform(0, 20, 3)
            _box(picture, x, 0.45, step - 0.4, height - 1.5, glass.astype(np.float32), scale)
            _box(picture, x + 0.3, 0.5, step * 0.4, 0.9, glass.astype(np.float32) * 1.4 + 20, scale)
        return
    door = rng.integers(bays)
    for k in range(bays):
        if k == door:
            colour = np.asarray(SIGNS[rng.integers(len(SIGNS))], np.float32) * 0.5 + 15
            _box(picture, (k + 0.5) * bay - 0.55, 0, 1.1, 2.3, colour, scale)
        else:
            _window(picture, (k + 0.5) * bay - 0.5, 1.0, 1.0, 1.5, frame, scale, rng)
    _box(picture, 0, 0, width, 0.4, wall * 0.6, scale)


def _roof(picture: Picture, house: House, width: float, scale: float, rng: np.random.Generator) -> None:
    rows = int(house.roof * scale)
    colour = np.asarray(ROOFS[rng.integers(len(ROOFS))], np.float32) * rng.uniform(0.8, 1.2)
    tiles = 1 + 0.07 * textures.cut(rng, (rows, picture.shape[1]), 0.4, seed=8)
    tiles *= 1 - 0.12 * (np.mod(np.arange(rows), max(2, int(0.35 * scale))) == 0)[:, None]
    picture[:rows] = colour * tiles[..., None]
    if rng.random() < 0.5:
        for x in np.arange(2.0, width - 2, 4.0):
            _window(picture, x, house.height - house.roof * 0.8, 0.9, house.roof * 0.5, colour * 0.7, scale, rng)
    _box(picture, 0, house.height - house.roof - 0.12, width, 0.16, colour * 0.45, scale)


def _bricks(picture: Picture, scale: float) -> None:
    if scale < 10:
        return
    course = max(3, round(0.22 * scale))
    picture[::course] *= 0.86


def paint_skyline(canvas: Canvas, rng: np.random.Generator) -> None:
    """Close the street with far houses and trees just above the horizon."""
    camera, weather = canvas.camera, canvas.weather
    z, x = 170.0, -110.0
    wooded = rng.uniform(0.2, 0.8)
    sprites = textures.foliage()
    while x < 110:
        width = rng.uniform(6, 20)
        scale = camera.pixels_per_metre(z)
        if rng.random() < wooded:
            centre = camera.project([(x + width / 2, 0, z)])[0]
            tall = rng.uniform(6, 14) * scale
            green = weather.dim((70, 84, 46), 'front', z)
            for _ in range(4):
                left = centre[0] + rng.uniform(-0.8, 0.2) * width * scale
                box = (left, centre[1] - tall, left + width * scale * 0.7, centre[1] + tall * 0.25)
                canvas.stamp(sprites[rng.integers(len(sprites))], box, green, VEGETATION)
        else:
            wall = np.asarray(WALLS[rng.integers(len(WALLS))]) * 0.8
            house = House(x, z, z + 10, rng.uniform(7, 22), 0.0, tuple(wall), False, False)
            colour = weather.dim(house.wall, 'front', z)
            corners = [(x, house.height, z), (x + width, house.height, z), (x + width, 0, z), (x, 0, z)]
            canvas.solid(corners, colour, BUILDING)
            for level in np.arange(3.5, house.height - 1, 3.2):
                band = [
                    (x + 0.6, level + 1.4, z),
                    (x + width - 0.6, level + 1.4, z),
                    (x + width - 0.6, level, z),
                    (x + 0.6, level, z),
                ]
                canvas.solid(band, scaled(colour, 0.86), None)
        x += width * rng.uniform(0.7, 1.0)
