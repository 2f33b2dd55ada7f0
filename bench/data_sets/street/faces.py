"""The flat ends of vehicles: windscreens, lamps, grilles, doors and number plates."""

from dataclasses import dataclass

import numpy as np

from bench.data_sets.street.bodies import GLASS, TYRE, Body, Coat
from bench.data_sets.street.canvas import Canvas, Colour
from bench.data_sets.street.classes import CAR, TRAIN, TRUCK

RUBBER = (44.0, 44.0, 46.0)
PLATE = (216.0, 214.0, 190.0)


@dataclass(frozen=True)
class Face:
    """The end of a vehicle that the camera sees, at distance ``z`` around ``x``; ``half`` its half width in metres."""

    canvas: Canvas
    x: float
    z: float
    half: float

    def paint(self, colour: Colour, factor: float = 1.0) -> Colour:
        red, green, blue = colour
        return self.canvas.weather.dim((red * factor, green * factor, blue * factor), 'front', self.z)

    def patch(self, u0: float, u1: float, y0: float, y1: float, colour: Colour, label: int | None = None) -> None:
        """Fill a rectangle: ``u0`` to ``u1`` in half widths from the middle, ``y0`` to ``y1`` in metres of height."""
        self.canvas.upright(self.x + u0 * self.half, self.x + u1 * self.half, y0, y1, self.z, colour, label)

    def taper(self, low: float, high: float, y0: float, y1: float, colour: Colour, label: int | None = None) -> None:
        """Fill a symmetric trapezium whose half width runs from ``low`` at ``y0`` to ``high`` at ``y1``."""
        corners = ((-low, y0), (low, y0), (high, y1), (-high, y1))
        self.canvas.solid([(self.x + u * self.half, y, self.z) for u, y in corners], colour, label)

    def lamps(self, u: float, y: float, colour: Colour) -> None:
        """Paint two oval lamps at ``u`` half widths from the middle, ``y`` metres high."""
        scale = self.canvas.camera.pixels_per_metre(self.z)
        for side in (-1, 1):
            centre = self.canvas.camera.project([(self.x + side * u * self.half, y, self.z)])[0]
            self.canvas.disc(centre, (0.17 * scale, 0.08 * scale), colour, None)


def paint_rear(canvas: Canvas, body: Body, coat: Coat, x: float, z: float, rng: np.random.Generator) -> None:
    """Paint the back of a vehicle."""
    face, top = Face(canvas, x, z, body.width / 2), body.top(0.02)
    shell = coat.upper if body.label == TRUCK else coat.lower
    tall = top > 1.2
    _wheels(face, body)
    face.taper(0.96, body.lean if tall else 0.96, body.clearance, top, face.paint(shell), body.label)
    if body.label == TRUCK:
        for middle in (-0.5, 0.5):
            face.patch(middle - 0.46, middle + 0.46, 1.0, top - 0.15, face.paint(shell, 0.9))
        face.patch(-0.9, 0.9, 0.6, 0.95, face.paint(RUBBER))
    elif tall:
        sill = body.belt + (0.02 if body.label == CAR else 0.32)
        face.taper(0.82, body.lean * 0.86, sill, top - 0.12, face.paint(GLASS))
    lamp = min(body.belt - 0.08, 0.95)
    red = face.paint((214, 44, 40) if rng.random() < 0.4 else (130, 26, 28))
    face.patch(-0.92, -0.70, lamp - 0.2, lamp, red)
    face.patch(0.70, 0.92, lamp - 0.2, lamp, red)
    face.patch(-0.93, 0.93, body.clearance, body.clearance + 0.22, face.paint(shell, 0.5))
    face.patch(-0.26, 0.26, 0.62, 0.74, face.paint(PLATE))


def paint_nose(canvas: Canvas, body: Body, coat: Coat, x: float, z: float, rng: np.random.Generator) -> None:
    """Paint the front of a vehicle."""
    face, top = Face(canvas, x, z, body.width / 2), body.top(0.97)
    _wheels(face, body)
    if body.label == CAR:
        lamp = top - 0.17
        face.taper(0.92, 0.86, body.clearance, top, face.paint(coat.lower), body.label)
        face.patch(-0.5, 0.5, lamp - 0.13, lamp + 0.07, face.paint(RUBBER, 0.7))
    else:
        lamp = 0.72
        _cab(face, body, coat, top)
    glow = 250.0 if rng.random() < 0.3 else 196.0
    face.lamps(0.74, lamp, (glow, glow, glow * 0.94))
    face.patch(-0.9, 0.9, body.clearance, body.clearance + 0.18, face.paint(coat.lower, 0.5))
    face.patch(-0.26, 0.26, 0.4, 0.51, face.paint(PLATE, 1.04))


def _cab(face: Face, body: Body, coat: Coat, top: float) -> None:
    """Paint the upright front of a lorry, bus or tram: a wide windscreen, a grille or a lit destination."""
    brow, pane = (0.80, 0.76) if body.label == TRAIN else (0.95, 0.88)
    face.taper(0.98, brow, min(body.clearance, 0.4), top, face.paint(coat.lower), body.label)
    face.taper(0.88, pane, 1.15, top - 0.5, face.paint(GLASS, 1.1))
    if body.label == TRUCK:
        face.patch(-0.6, 0.6, 0.75, 1.1, face.paint(RUBBER, 0.8))
    else:
        face.patch(-0.55, 0.55, top - 0.4, top - 0.12, (24, 24, 24))
        face.patch(-0.4, 0.3, top - 0.34, top - 0.2, (232, 178, 60))


def _wheels(face: Face, body: Body) -> None:
    width = 0.22 / face.half
    face.patch(-0.95, -0.95 + width, 0, body.radius, TYRE, body.label)
    face.patch(0.95 - width, 0.95, 0, body.radius, TYRE, body.label)
