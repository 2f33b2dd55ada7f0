"""One street from one random stream: choose the layout and the weather, place everything, paint it from far to near."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from bench.data_sets.street import bodies, furniture, ground, houses, people, photograph, plants, vehicles
from bench.data_sets.street.canvas import SUPERSAMPLE, Camera, Canvas, Weather
from bench.data_sets.street.ground import LANE_M, Street

Painter = Callable[[Canvas, np.random.Generator], None]
Placed = list[tuple[float, Painter]]

# Each picture is promised one rare thing, in turn, so that no class can be missing from a split of eight or more.
THEMES = ('tram', 'bus', 'lorry', 'motorcycle', 'cycling', 'wall', 'fence', 'signals')


def render(rng: np.random.Generator, theme: str, size: tuple[int, int]) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Return a photograph [H, W, 3] (RGB) and its classes [H, W] of a street that ``theme`` is part of."""
    camera, weather = _camera(size, rng), _weather(rng)
    canvas = Canvas(camera, weather)
    street = _street(theme, rng)
    ground.paint_sky(canvas, rng)
    houses.paint_skyline(canvas, rng)
    ground.paint_ground(canvas, street, rng)
    houses.paint_rows(canvas, street, rng)
    for placed in (
        _gardens(street, theme, rng),
        _barriers(street, theme, rng),
        _pavement(street, theme, rng) + _traffic(street, theme, rng),
    ):
        for _, paint in sorted(placed, key=lambda item: -item[0]):
            paint(canvas, rng)
    return photograph.expose(canvas, size, rng)


def _camera(size: tuple[int, int], rng: np.random.Generator) -> Camera:
    height, width = size[0] * SUPERSAMPLE, size[1] * SUPERSAMPLE
    centre = (width * (0.5 + rng.uniform(-0.09, 0.09)), height * (0.42 + rng.uniform(-0.06, 0.07)))
    return Camera(
        focal=width * rng.uniform(0.82, 1.02), centre=centre, height=rng.uniform(1.2, 1.6), size=(height, width)
    )


def _weather(rng: np.random.Generator) -> Weather:
    name = str(rng.choice(['sunny', 'overcast', 'hazy', 'dusk'], p=[0.42, 0.36, 0.12, 0.10]))
    sun = -1 if rng.random() < 0.5 else 1
    if name == 'sunny':
        lit, dark = rng.uniform(1.05, 1.2), rng.uniform(0.55, 0.72)
        left, right = (lit, dark) if sun < 0 else (dark, lit)
        return Weather(
            name,
            left,
            right,
            rng.uniform(0.7, 1.1),
            1.12,
            (196, 208, 222),
            rng.uniform(260, 500),
            sun,
            rng.uniform(0.38, 0.55),
        )
    if name == 'overcast':
        return Weather(name, 0.84, 0.86, 0.85, 0.98, (188, 192, 196), rng.uniform(170, 320), sun, 0.0)
    if name == 'hazy':
        return Weather(name, 0.82, 0.88, 0.86, 0.95, (186, 192, 198), rng.uniform(70, 120), sun, 0.0)
    return Weather(name, 0.52, 0.56, 0.55, 0.60, (150, 132, 128), rng.uniform(160, 300), sun, 0.0)


def _street(theme: str, rng: np.random.Generator) -> Street:
    parking = rng.random() < 0.65
    right = LANE_M / 2 + (2.3 if parking else 0.5)
    lanes = 2 if theme == 'tram' else int(rng.integers(1, 3))
    left = -LANE_M / 2 - lanes * LANE_M - (2.2 if rng.random() < 0.5 else 0.4)
    walk_left, walk_right = left - rng.uniform(2.2, 4.4), right + rng.uniform(2.2, 4.4)
    green_left = rng.random() < 0.6 or theme == 'fence'
    green_right = rng.random() < 0.5 or theme == 'wall'
    plot_left = walk_left - (_depth_of_green(rng) if green_left else 0)
    plot_right = walk_right + (_depth_of_green(rng) if green_right else 0)
    crossing = rng.uniform(15, 34) if theme in ('signals', 'bus') or rng.random() < 0.35 else None
    rails = -LANE_M if theme == 'tram' else None
    return Street(
        left,
        right,
        walk_left,
        walk_right,
        plot_left,
        plot_right,
        crossing,
        rng.uniform(7, 11),
        rails,
        green_left,
        green_right,
    )


def _depth_of_green(rng: np.random.Generator) -> float:
    """Return how far the houses stand back, in metres: a front garden, now and then a park."""
    return rng.uniform(11, 26) if rng.random() < 0.35 else rng.uniform(2.5, 8)


def _gardens(street: Street, theme: str, rng: np.random.Generator) -> Placed:
    """Trees, bushes and hedges between the pavements and the houses."""
    placed: Placed = []
    for side, walk, plot, green in (
        (-1, street.walk_left, street.plot_left, street.green_left),
        (1, street.walk_right, street.plot_right, street.green_right),
    ):
        if not green:
            continue
        density = rng.uniform(3.5, 11) / max(1.0, (abs(plot) - abs(walk)) / 8)
        z = rng.uniform(7, 12)
        while z < 110:
            x = side * rng.uniform(abs(walk) + 0.9, max(abs(plot) - 0.5, abs(walk) + 1))
            if not street.at_crossing(z, 3):
                placed.append((z, _tree(x, z, rng) if rng.random() < 0.55 else _bush(x, z, rng)))
            z += rng.uniform(0.4, 1.6) * density
    return placed


def _tree(x: float, z: float, rng: np.random.Generator) -> Painter:
    height = rng.uniform(4.5, 10)
    return lambda canvas, stream: plants.paint_tree(canvas, x, z, height, stream)


def _bush(x: float, z: float, rng: np.random.Generator) -> Painter:
    width, height = rng.uniform(1.2, 3.5), rng.uniform(0.8, 2.2)
    return lambda canvas, stream: plants.paint_hedge(canvas, x, z, width, height, stream)


def _barriers(street: Street, theme: str, rng: np.random.Generator) -> Placed:
    """Fences and walls along the outer edge of the pavements."""
    placed: Placed = []
    for side, walk, green in ((-1, street.walk_left, street.green_left), (1, street.walk_right, street.green_right)):
        wanted = {'fence': -1, 'wall': 1}.get(theme) == side
        if not wanted and not (green and rng.random() < 0.45):
            continue
        wall = theme == 'wall' if wanted else rng.random() < 0.45
        x, height = walk + side * 0.15, rng.uniform(1.1, 2.2) if wall else rng.uniform(0.9, 1.7)
        z, end = (6.0 if wanted else rng.uniform(5, 16)), rng.uniform(28, 70)
        while z < end:
            stop = z + rng.uniform(4, 9)
            if not street.at_crossing(z, 1) and not street.at_crossing(stop, 1):
                placed.append((z, _barrier(wall, x, z, stop, height)))
            z = stop + (rng.uniform(1.5, 4) if rng.random() < 0.2 else 0)
    return placed


def _barrier(wall: bool, x: float, z: float, stop: float, height: float) -> Painter:
    paint = furniture.paint_wall if wall else furniture.paint_fence
    return lambda canvas, stream: paint(canvas, x, z, stop, height, np.random.default_rng(int(abs(x) * 1e6)))


def _pavement(street: Street, theme: str, rng: np.random.Generator) -> Placed:
    """Lamps, signs, signals, street trees, bins, parked two-wheelers and pedestrians."""
    placed: Placed = []

    def put(z: float, paint: Callable[..., None], *where: object) -> None:
        placed.append((z, lambda canvas, stream: paint(canvas, *where, stream)))

    for side, kerb, walk in ((-1, street.left, street.walk_left), (1, street.right, street.walk_right)):
        edge, width = kerb + side * 0.45, abs(walk - kerb)
        treed = rng.random() < 0.4
        z = rng.uniform(7, 14)
        while z < 100:
            if not street.at_crossing(z, 1):
                put(z, furniture.paint_lamp, edge, z) if not treed or rng.random() < 0.4 else put(
                    z, plants.paint_tree, edge + side * 0.4, z, rng.uniform(4.5, 8)
                )
            z += rng.uniform(8, 20)
        for _ in range(rng.integers(1, 4)):
            z = rng.uniform(8, 45)
            if not street.at_crossing(z):
                put(z, furniture.paint_sign, edge + side * rng.uniform(0, 0.4), z)
        for _ in range(rng.integers(0, 3)):
            z = rng.uniform(8, 40)
            put(z, furniture.paint_bin, kerb + side * width * rng.uniform(0.5, 0.95), z)
        _walkers(put, street, kerb, side, width, rng)
        for _ in range(rng.integers(2, 5) if theme == 'cycling' else rng.integers(0, 2)):
            z = rng.uniform(8, 26)
            put(z, people.paint_bicycle, kerb + side * width * rng.uniform(0.25, 0.8), z, rng.uniform(0.35, 1), False)
    _signals(put, street, theme, rng)
    return placed


def _walkers(
    put: Callable[..., None], street: Street, kerb: float, side: int, width: float, rng: np.random.Generator
) -> None:
    for _ in range(rng.poisson(1.8)):
        z = 6 + 40 * rng.random() ** 1.3
        x = kerb + side * width * rng.uniform(0.2, 0.95)
        put(z, people.paint_person, x, z)
        if rng.random() < 0.4:
            put(z + 0.3, people.paint_person, x + rng.uniform(0.45, 0.75) * side, z + 0.3)
    if rng.random() < 0.25 or street.crossing is not None:
        z = (street.crossing or rng.uniform(15, 40)) - 2.5
        for _ in range(rng.integers(1, 3)):
            put(z, people.paint_person, rng.uniform(street.left, street.right), z)


def _signals(put: Callable[..., None], street: Street, theme: str, rng: np.random.Generator) -> None:
    if street.crossing is None:
        return
    if theme == 'signals' or rng.random() < 0.6:
        z = street.crossing - 1.0
        put(z, furniture.paint_signal, street.right + 0.5, z, rng.random() < 0.4)
        put(z, furniture.paint_signal, street.left - 0.5, z, False)
        far = street.crossing + street.crossing_m + 0.6
        put(far, furniture.paint_signal, street.right + 0.6, far, True)
    if rng.random() < 0.5:
        put(street.crossing - 6, furniture.paint_sign, street.right + 0.8, street.crossing - 6)


def _traffic(street: Street, theme: str, rng: np.random.Generator) -> Placed:
    """Moving and parked vehicles, crossing traffic, and riders."""
    placed: Placed = []

    def along(body: bodies.Body, x: float, z: float, away: bool) -> None:
        placed.append((z, lambda canvas, stream: vehicles.paint_along(canvas, body, x, z, away, stream)))

    def any_car() -> bodies.Body:
        return bodies.CARS[rng.integers(len(bodies.CARS))]

    _lane(along, any_car, theme, rng)
    lanes_left = round((-LANE_M / 2 - street.left - 0.3) / LANE_M)
    heavy = {'bus': bodies.COACH, 'lorry': (bodies.LORRY, bodies.TIPPER)[rng.integers(2)], 'tram': bodies.TRAM}
    z = rng.uniform(9, 16)
    oncoming = -LANE_M if theme == 'tram' or lanes_left < 2 else -LANE_M * rng.integers(1, 3)
    if theme in heavy and (theme == 'tram' or rng.random() < 0.5):
        along(heavy[theme], oncoming, z, theme == 'tram' and rng.random() < 0.4)
        z += heavy[theme].length + 6
    elif theme in heavy:
        along(heavy[theme], 0.1, rng.uniform(9, 15), True)
    while z < 90:
        if theme != 'tram' and rng.random() < 0.75:
            along(any_car(), -LANE_M + rng.uniform(-0.3, 0.3), z, False)
        z += rng.uniform(9, 28)
    for x, free in (
        (street.right - 1.1, street.right > LANE_M / 2 + 2),
        (street.left + 1.05, street.left < -LANE_M / 2 - lanes_left * LANE_M - 2),
    ):
        z = rng.uniform(4.5, 12)
        while free and z < 70:
            body = any_car()
            if rng.random() < 0.72 and not street.at_crossing(z, 6):
                along(body, x, z, x > 0)
            z += body.length + rng.uniform(0.8, 2.5)
    _crossing_traffic(placed, street, theme, rng)
    _two_wheelers(placed, street, theme, rng)
    return placed


def _lane(along: Callable[..., None], any_car: Callable[[], bodies.Body], theme: str, rng: np.random.Generator) -> None:
    """Fill our own lane with the traffic ahead."""
    z = rng.uniform(22 if theme in ('bus', 'lorry', 'motorcycle', 'cycling') else 9, 40)
    while z < 100:
        along(any_car(), rng.uniform(-0.3, 0.3), z, True)
        z += rng.uniform(10, 45)


def _crossing_traffic(placed: Placed, street: Street, theme: str, rng: np.random.Generator) -> None:
    if street.crossing is None or rng.random() < 0.3:
        return
    for lane, to_right in ((0.28, False), (0.72, True)):
        if rng.random() < 0.6:
            body = (
                bodies.COACH if theme == 'bus' and rng.random() < 0.4 else bodies.CARS[rng.integers(len(bodies.CARS))]
            )
            z, x = street.crossing + street.crossing_m * lane, rng.uniform(-14, 14)
            placed.append((z, _across(body, x, z, to_right)))


def _across(body: bodies.Body, x: float, z: float, to_right: bool) -> Painter:
    return lambda canvas, stream: vehicles.paint_across(canvas, body, x, z, to_right, stream)


def _two_wheelers(placed: Placed, street: Street, theme: str, rng: np.random.Generator) -> None:
    def put(z: float, paint: Callable[..., None], *where: object) -> None:
        placed.append((z, lambda canvas, stream: paint(canvas, *where, stream)))

    if theme == 'motorcycle' or rng.random() < 0.08:
        for ridden in (True, rng.random() < 0.4):
            z = rng.uniform(7, 15)
            put(z, people.paint_motorcycle, _gap(theme, rng), z, rng.uniform(0.2, 0.9), ridden)
    if theme == 'cycling' or rng.random() < 0.3:
        for _ in range(rng.integers(1, 4)):
            z = rng.uniform(7, 22)
            put(z, people.paint_bicycle, _gap(theme, rng), z, rng.uniform(0.15, 0.9), True)


def _gap(theme: str, rng: np.random.Generator) -> float:
    """Return an X where a two-wheeler fits: the free lane, or between two files of cars."""
    if theme in ('motorcycle', 'cycling'):
        return rng.uniform(-1.5, 1.5)
    return float(rng.choice([-1.65, 1.4])) + rng.uniform(-0.12, 0.12)
