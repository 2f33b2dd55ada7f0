"""Paint vehicles lofted from cross sections, so that perspective comes out right."""

import numpy as np

from bench.data_sets.street.bodies import GLASS, TYRE, UNDERSIDE, Body, Coat, coat_for
from bench.data_sets.street.canvas import Canvas, Colour, scaled
from bench.data_sets.street.classes import CAR, TRAIN, TRUCK
from bench.data_sets.street.faces import paint_nose, paint_rear


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
        paint_rear(canvas, body, coat, x, z, rng)
    else:
        paint_nose(canvas, body, coat, x, z, rng)


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
        canvas.upright(edge, edge - side * 0.12, low, low + 0.22, z, scaled(flank, 0.55), None)
        if not boxed:
            canvas.upright(edge, edge - side * 0.12, belt - 0.14, belt - 0.08, z, scaled(flank, 0.78), None)
    if glazed:
        _greenhouse(canvas, body, coat, x, z, s, half, top)


def _greenhouse(canvas: Canvas, body: Body, coat: Coat, x: float, z: float, s: float, half: float, top: float) -> None:
    upper = body.top(0.5)
    lean = 1 - (1 - body.lean) * (top - body.belt) / max(upper - body.belt, 0.1)
    upright = top > upper - 0.12
    post = upright and (s * body.length) % body.panes < 0.10
    glass = canvas.weather.dim(scaled(GLASS, 1.25), 'front', z)
    colour = canvas.weather.dim(scaled(coat.lower, 0.7), 'left', z) if post else glass
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
        a, b = (float(np.interp(t, (0, 1), body.cabin)) for t in ((k + 0.07) / count, (k + 0.93) / count))
        pane = [
            (a, body.belt),
            (a, max(body.belt, body.top(a) - 0.14)),
            (b, max(body.belt, body.top(b) - 0.14)),
            (b, body.belt),
        ]
        flank(pane, dim(scaled(GLASS, rng.uniform(0.9, 1.5)), 'front', z), None)
    flank(
        [(0, body.clearance), (0, body.clearance + 0.16), (1, body.clearance + 0.16), (1, body.clearance)],
        scaled(paint, 0.6),
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
