"""The vehicles there are: their shapes in metres and the colours they come in."""

from dataclasses import dataclass

import numpy as np

from bench.data_sets.street.canvas import Colour
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
