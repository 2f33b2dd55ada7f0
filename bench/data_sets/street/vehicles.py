"""Cars, vans, lorries, buses and trams, lofted from cross sections so that perspective comes out right."""

from dataclasses import dataclass

import numpy as np

from bench.data_sets.street.canvas import Canvas, Colour
from bench.data_sets.street.classes import BUS, CAR, TRAIN, TRUCK

PAINTS = (
    (152, 154, 158),
    (32, 33, 36),
    (206, 206, 204),
    (120, 28, 32),
    (38, 56, 100),
    (92, 96, 100),
    (60, 64, 70),
    (172, 166, 150),
    (34, 70, 56),
    (196, 150, 50),
    (128, 132, 140),
    (226, 228, 228),
)
LIVERIES = ((190, 156, 40), (170, 40, 40), (216, 214, 208), (48, 90, 150), (60, 120, 76), (196, 110, 40))
UNDERSIDE = (15.0, 15.0, 17.0)
TYRE = (22.0, 22.0, 24.0)
GLASS = (42.0, 50.0, 58.0)


@dataclass(frozen=True)
class Body:
    """A vehicle's shape in metres; ``line`` is the height of its top at shares of its length, 0 = rear, 1 = front."""

    label: int
    length: float
    width: float
    line: tuple[tuple[float, float], ...]
    belt: float
    cabin: tuple[float, float]
    wheels: tuple[float, ...]
    radius: float = 0.32
    lean: float = 0.82
    clearance: float = 0.2
    panes: float = 1.1

    def top(self, share: float) -> float:
        return float(np.interp(share, [s for s, _ in self.line], [h for _, h in self.line]))


HATCH = Body(
    CAR,
    4.0,
    1.75,
    ((0, 1.05), (0.05, 1.30), (0.16, 1.46), (0.55, 1.47), (0.74, 0.99), (0.95, 0.84), (1, 0.66)),
    0.93,
    (0.02, 0.74),
    (0.18, 0.82),
)
SALOON = Body(
    CAR,
    4.6,
    1.8,
    ((0, 0.85), (0.03, 1.0), (0.14, 1.03), (0.28, 1.40), (0.55, 1.42), (0.71, 0.98), (0.95, 0.8), (1, 0.6)),
    0.93,
    (0.14, 0.71),
    (0.20, 0.82),
)
ESTATE = Body(
    CAR,
    4.7,
    1.85,
    ((0, 1.0), (0.03, 1.42), (0.1, 1.66), (0.58, 1.68), (0.74, 1.14), (0.95, 1.0), (1, 0.75)),
    1.08,
    (0.02, 0.74),
    (0.19, 0.82),
    radius=0.36,
)
VAN = Body(
    CAR,
    5.0,
    1.95,
    ((0, 1.9), (0.02, 2.02), (0.7, 2.02), (0.86, 1.2), (0.97, 1.0), (1, 0.8)),
    1.15,
    (0.55, 0.86),
    (0.2, 0.84),
    radius=0.34,
    lean=0.9,
)
LORRY = Body(
    TRUCK,
    8.2,
    2.45,
    ((0, 3.3), (0.72, 3.3), (0.725, 2.4), (0.76, 2.75), (0.98, 2.7), (1, 2.6)),
    1.6,
    (0.80, 0.92),
    (0.12, 0.22, 0.87),
    radius=0.5,
    lean=0.95,
    clearance=0.6,
)
TIPPER = Body(
    TRUCK,
    7.0,
    2.4,
    ((0, 2.1), (0.66, 2.2), (0.665, 1.4), (0.72, 2.7), (0.98, 2.65), (1, 2.55)),
    1.6,
    (0.76, 0.92),
    (0.16, 0.28, 0.85),
    radius=0.5,
    lean=0.95,
    clearance=0.6,
)
COACH = Body(
    BUS,
    11.5,
    2.5,
    ((0, 2.9), (0.01, 3.05), (0.985, 3.05), (1, 2.8)),
    1.35,
    (0.02, 0.99),
    (0.25, 0.80),
    radius=0.48,
    lean=0.97,
    clearance=0.32,
    panes=1.5,
)
TRAM = Body(
    TRAIN,
    26.0,
    2.45,
    ((0, 2.7), (0.02, 3.25), (0.97, 3.25), (0.99, 2.9), (1, 2.3)),
    1.5,
    (0.01, 0.995),
    (0.1, 0.18, 0.48, 0.55, 0.85, 0.92),
    radius=0.33,
    lean=0.93,
    clearance=0.18,
    panes=1.7,
)
CARS = (HATCH, SALOON, ESTATE, HATCH, SALOON, VAN)


@dataclass(frozen=True)
class Coat:
    """The two colours of a vehicle: ``lower`` covers all of a car, ``upper`` is the roof or the load's box."""

    lower: Colour
    upper: Colour


def coat_for(body: Body, rng: np.random.Generator) -> Coat:
    """Draw the paint of a vehicle."""
    if body.label == CAR:
        paint = _vary(PAINTS[rng.integers(len(PAINTS))], rng)
        return Coat(paint, paint)
    lower = _vary(LIVERIES[rng.integers(len(LIVERIES))], rng)
    upper = _vary(((210, 210, 206), (150, 150, 146), lower)[rng.integers(3)], rng)
    return Coat(lower, upper)


def _vary(colour: Colour, rng: np.random.Generator) -> Colour:
    red, green, blue = np.clip(np.asarray(colour) * rng.uniform(0.82, 1.1), 8, 235)
    return float(red), float(green), float(blue)


def paint_along(canvas: Canvas, body: Body, x: float, z: float, away: bool, rng: np.random.Generator) -> None:
    """Paint a vehicle that is parallel to the street; its nearer end is at ``z``, ``away`` shows its rear."""
    coat = coat_for(body, rng)
    scale = canvas.camera.pixels_per_metre(z + body.length / 2)
    drift = abs(x) * canvas.camera.focal * body.length / (z * (z + body.length))
    steps = int(np.clip(max(drift, scale) / 2.6, 5, 56))
    canvas.ground_shadow(x, z + body.length / 2, body.width * 1.12, body.length + 0.5, 0.62)
    for step in range(steps, -1, -1):
        share = step / steps
        _slice(canvas, body, coat, x, z + share * body.length, share if away else 1 - share)
    if away and body.label != TRAIN:
        _rear(canvas, body, coat, x, z, rng)
    else:
        _nose(canvas, body, coat, x, z, rng)


def _slice(canvas: Canvas, body: Body, coat: Coat, x: float, z: float, s: float) -> None:
    """Paint the cross section at share ``s`` of the length, standing at distance ``z``."""
    weather, top = canvas.weather, body.top(s)
    # Bodies narrow towards both ends; glass houses lean inwards.
    half = body.width / 2 * (1 - 0.10 * max(0.0, abs(s - 0.5) * 2 - 0.8) / 0.2 * (body.label == CAR))
    low, belt = body.clearance, min(top, body.belt)
    glazed = body.cabin[0] < s < body.cabin[1] and top > body.belt + 0.12
    if any(abs(s - w) * body.length < body.radius for w in body.wheels):
        for side in (-1, 1):
            canvas.upright(x + side * half, x + side * (half - 0.22), 0, body.radius * 2, z, TYRE, body.label)
    canvas.upright(x - half * 0.94, x + half * 0.94, 0.10, low + 0.02, z, UNDERSIDE, body.label)
    boxed = body.label == TRUCK and s < 0.725
    paint = coat.upper if boxed else coat.lower
    slope = body.top(min(s + 0.03, 1)) - body.top(max(s - 0.03, 0))
    lid = weather.dim(paint, 'top' if abs(slope) < 0.12 else 'front', z)
    roof = top if not glazed else belt
    canvas.upright(x - half, x + half, low, roof, z, lid, body.label)
    for side, facing in ((-1, 'left'), (1, 'right')):
        flank = weather.dim(paint, facing, z)
        edge = x + side * half
        canvas.upright(edge, edge - side * 0.12, low, roof, z, flank, None)
        canvas.upright(edge, edge - side * 0.12, low, low + 0.22, z, _times(flank, 0.55), None)
        if not boxed:
            canvas.upright(edge, edge - side * 0.12, belt - 0.14, belt - 0.08, z, _times(flank, 0.78), None)
    if glazed:
        _greenhouse(canvas, body, coat, x, z, s, half, top)


def _greenhouse(canvas: Canvas, body: Body, coat: Coat, x: float, z: float, s: float, half: float, top: float) -> None:
    upper = body.top(0.5)
    lean = 1 - (1 - body.lean) * (top - body.belt) / max(upper - body.belt, 0.1)
    upright = top > upper - 0.12
    post = upright and (s * body.length) % body.panes < 0.10
    glass = canvas.weather.dim(_times(GLASS, 1.25), 'front', z)
    colour = canvas.weather.dim(_times(coat.lower, 0.7), 'left', z) if post else glass
    level = top - 0.09 if upright else top
    _trapeze(canvas, x, half * 0.985, half * lean, body.belt, level, z, colour, body.label)
    pillar = canvas.weather.dim(coat.lower, 'front', z)
    if level == top:
        for side in (-1, 1):
            rim = canvas.camera.project([(x + side * half * 0.985, body.belt, z), (x + side * half * lean, top, z)])
            canvas.stroke(rim, 0.07 * canvas.camera.pixels_per_metre(z), pillar, None)
        return
    _trapeze(
        canvas, x, half * lean, half * lean * 0.95, level, top, z, canvas.weather.dim(coat.upper, 'top', z), body.label
    )


def _rear(canvas: Canvas, body: Body, coat: Coat, x: float, z: float, rng: np.random.Generator) -> None:
    """Paint the details of the back: window, lamps, plate, bumper."""
    top, half, label = body.top(0.02), body.width / 2, body.label
    paint = coat.upper if label == TRUCK else coat.lower
    dim = canvas.weather.dim
    _wheels(canvas, body, x, z)
    _trapeze(
        canvas,
        x,
        half * 0.96,
        half * (0.96 if top < 1.2 else body.lean),
        body.clearance,
        top,
        z,
        dim(paint, 'front', z),
        label,
    )
    if label == TRUCK:
        for k in (-0.5, 0.5):
            canvas.upright(
                x + (k - 0.46) * half,
                x + (k + 0.46) * half,
                1.0,
                top - 0.15,
                z,
                dim(_times(paint, 0.9), 'front', z),
                None,
            )
        canvas.upright(x - half * 0.9, x + half * 0.9, 0.6, 0.95, z, dim((44, 44, 46), 'front', z), None)
    elif label in (BUS, TRAIN) or top > 1.2:
        low = body.belt if label == CAR else body.belt + 0.3
        _trapeze(
            canvas, x, half * 0.82, half * body.lean * 0.86, low + 0.02, top - 0.12, z, dim(GLASS, 'front', z), None
        )
    lamp = min(body.belt - 0.08, 0.95)
    bright = (214, 44, 40) if rng.random() < 0.4 else (130, 26, 28)
    for side in (-1, 1):
        canvas.upright(
            x + side * half * 0.92, x + side * half * 0.70, lamp - 0.2, lamp, z, dim(bright, 'front', z), None
        )
    canvas.upright(
        x - half * 0.93,
        x + half * 0.93,
        body.clearance,
        body.clearance + 0.22,
        z,
        dim(_times(paint, 0.5), 'front', z),
        None,
    )
    canvas.upright(x - 0.26, x + 0.26, 0.62, 0.74, z, dim((216, 214, 190), 'front', z), None)


def _nose(canvas: Canvas, body: Body, coat: Coat, x: float, z: float, rng: np.random.Generator) -> None:
    """Paint the details of the front: lamps, grille, plate; the windscreen of tall bodies."""
    half, label, dim = body.width / 2, body.label, canvas.weather.dim
    top = body.top(0.97)
    _wheels(canvas, body, x, z)
    shell = dim(coat.lower, 'front', z)
    if label in (BUS, TRAIN, TRUCK):
        _trapeze(
            canvas,
            x,
            half * 0.98,
            half * (0.8 if label == TRAIN else 0.95),
            min(body.clearance, 0.4),
            top,
            z,
            shell,
            label,
        )
        _trapeze(
            canvas,
            x,
            half * 0.88,
            half * (0.76 if label == TRAIN else 0.88),
            1.15,
            top - 0.5,
            z,
            dim(_times(GLASS, 1.1), 'front', z),
            None,
        )
        if label == TRUCK:
            canvas.upright(x - half * 0.6, x + half * 0.6, 0.75, 1.1, z, dim((34, 34, 36), 'front', z), None)
        else:
            canvas.upright(x - half * 0.55, x + half * 0.55, top - 0.4, top - 0.12, z, (24, 24, 24), None)
            canvas.upright(x - half * 0.4, x + half * 0.3, top - 0.34, top - 0.2, z, (232, 178, 60), None)
        lamp = 0.75
    else:
        lamp = top - 0.14
        _trapeze(canvas, x, half * 0.92, half * 0.86, body.clearance, top, z, shell, label)
        canvas.upright(x - half * 0.5, x + half * 0.5, lamp - 0.16, lamp + 0.04, z, dim((30, 30, 32), 'front', z), None)
    glow = 250 if rng.random() < 0.3 else 196
    scale = canvas.camera.pixels_per_metre(z)
    for side in (-1, 1):
        centre = canvas.camera.project([(x + side * half * 0.74, lamp - 0.03, z)])[0]
        canvas.disc(centre, (0.17 * scale, 0.08 * scale), (glow, glow, glow * 0.94), None)
    canvas.upright(
        x - half * 0.9,
        x + half * 0.9,
        body.clearance,
        body.clearance + 0.18,
        z,
        dim(_times(coat.lower, 0.5), 'front', z),
        None,
    )
    canvas.upright(x - 0.26, x + 0.26, 0.4, 0.51, z, dim((224, 224, 214), 'front', z), None)


def _wheels(canvas: Canvas, body: Body, x: float, z: float) -> None:
    for side in (-1, 1):
        edge = x + side * body.width / 2 * 0.95
        canvas.upright(edge, edge - side * 0.22, 0, body.radius, z, TYRE, body.label)


def paint_across(canvas: Canvas, body: Body, x: float, z: float, to_right: bool, rng: np.random.Generator) -> None:
    """Paint a vehicle that crosses the view: its flank is at ``z``, its middle at ``x``."""
    coat, dim, label = coat_for(body, rng), canvas.weather.dim, body.label
    sign = 1 if to_right else -1
    canvas.ground_shadow(x, z + body.width / 2, body.length * 1.1, body.width * 1.6, 0.6)

    def flank(points: list[tuple[float, float]], colour: Colour, value: int | None) -> None:
        canvas.solid([(x + sign * (s - 0.5) * body.length, y, z) for s, y in points], colour, value)

    outline = [(s, h) for s, h in body.line]
    paint = dim(coat.lower, 'front', z)
    flank([(0, body.clearance), *outline, (1, body.clearance)], paint, label)
    if label == TRUCK:
        flank([(0, 1.0), *[(s, h) for s, h in outline if s < 0.725], (0.72, 1.0)], dim(coat.upper, 'front', z), None)
        flank([(0, 0.7), (0, 1.0), (0.74, 1.0), (0.74, 0.7)], dim((50, 50, 52), 'front', z), None)
    count = max(2, round((body.cabin[1] - body.cabin[0]) * body.length / body.panes))
    for k in range(count):
        a, b = (np.interp(t, (0, 1), body.cabin) for t in ((k + 0.07) / count, (k + 0.93) / count))
        pane = [
            (a, body.belt),
            (a, max(body.belt, body.top(a) - 0.14)),
            (b, max(body.belt, body.top(b) - 0.14)),
            (b, body.belt),
        ]
        flank(pane, dim(_times(GLASS, rng.uniform(0.9, 1.5)), 'front', z), None)
    flank(
        [(0, body.clearance), (0, body.clearance + 0.16), (1, body.clearance + 0.16), (1, body.clearance)],
        _times(paint, 0.6),
        None,
    )
    scale = canvas.camera.pixels_per_metre(z)
    for share in body.wheels:
        hub = canvas.camera.project([(x + sign * (share - 0.5) * body.length, body.radius, z)])[0]
        canvas.disc(hub, (body.radius * scale,) * 2, TYRE, label)
        canvas.disc(hub, (body.radius * scale * 0.55,) * 2, dim((128, 128, 130), 'front', z), None)


def _trapeze(
    canvas: Canvas, x: float, low: float, high: float, y0: float, y1: float, z: float, colour: Colour, label: int | None
) -> None:
    canvas.solid([(x - low, y0, z), (x + low, y0, z), (x + high, y1, z), (x - high, y1, z)], colour, label)


def _times(colour: Colour, factor: float) -> Colour:
    red, green, blue = (min(255.0, c * factor) for c in colour)
    return red, green, blue
