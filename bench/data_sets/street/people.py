"""People on foot, and two-wheelers with and without their riders: jointed figures on upright planes."""

from dataclasses import dataclass

import numpy as np

from bench.data_sets.street.canvas import Canvas, Colour
from bench.data_sets.street.classes import BICYCLE, MOTORCYCLE, PERSON, RIDER

CLOTHES = (
    (36, 38, 46),
    (58, 60, 66),
    (96, 40, 40),
    (44, 62, 96),
    (150, 146, 138),
    (196, 192, 184),
    (86, 80, 58),
    (34, 74, 62),
    (170, 120, 60),
    (120, 96, 80),
    (200, 60, 56),
    (70, 76, 120),
)
SKINS = ((206, 160, 130), (168, 120, 92), (108, 74, 56), (224, 184, 156))
HAIRS = ((40, 32, 28), (88, 62, 42), (160, 136, 92), (120, 120, 118))


@dataclass(frozen=True)
class Plane:
    """An upright plane at distance ``z`` through ``x``; ``turn`` squeezes it: 1 = seen from the side, 0 = end on."""

    canvas: Canvas
    x: float
    z: float
    turn: float = 1.0

    @property
    def scale(self) -> float:
        return self.canvas.camera.pixels_per_metre(self.z)

    def pixels(self, points: list[tuple[float, float]]) -> np.ndarray:
        """Return pixels [N, 2] of ``points`` given in metres along and above the ground."""
        return self.canvas.camera.project([(self.x + u * self.turn, v, self.z) for u, v in points])

    def dim(self, colour: Colour, factor: float = 1.0) -> Colour:
        red, green, blue = colour
        return self.canvas.weather.dim((red * factor, green * factor, blue * factor), 'front', self.z)

    def limb(self, points: list[tuple[float, float]], width: float, colour: Colour, label: int | None) -> None:
        self.canvas.stroke(self.pixels(points), max(1.0, width * self.scale), colour, label)

    def shape(self, points: list[tuple[float, float]], colour: Colour, label: int | None) -> None:
        self.canvas.fill(self.pixels(points), colour, label)

    def disc(self, u: float, v: float, ru: float, rv: float, colour: Colour, label: int | None) -> None:
        self.canvas.disc(self.pixels([(u, v)])[0], (ru * self.scale, rv * self.scale), colour, label)


def _pick(colours: tuple[Colour, ...], rng: np.random.Generator) -> Colour:
    red, green, blue = np.asarray(colours[rng.integers(len(colours))]) * rng.uniform(0.8, 1.15)
    return float(red), float(green), float(blue)


def paint_person(canvas: Canvas, x: float, z: float, rng: np.random.Generator) -> None:
    """Paint somebody who walks or stands at (``x``, ``z``)."""
    h = rng.uniform(1.55, 1.88) if rng.random() < 0.88 else rng.uniform(1.05, 1.4)
    plane = Plane(canvas, x, z)
    canvas.ground_shadow(x, z, 0.75, 0.6, 0.5)
    coat, legs, skin = _pick(CLOTHES, rng), _pick(CLOTHES, rng), _pick(SKINS, rng)
    stride, lean, facing = rng.uniform(0.0, 0.15) * h, rng.uniform(-0.02, 0.02) * h, 1 if rng.random() < 0.5 else -1
    girth = rng.uniform(0.115, 0.15) * h
    hip, neck = 0.50 * h, 0.83 * h
    for k, (foot, shade) in enumerate(((-stride, 0.7), (stride, 0.95))):
        step = foot + (k - 0.5) * 0.09 * h
        knee = (step * 0.55 + facing * 0.03 * h, 0.27 * h)
        plane.limb([((k - 0.5) * 0.08 * h, hip), knee, (step, 0.04 * h)], 0.075 * h, plane.dim(legs, shade), PERSON)
        plane.limb([(step, 0.02 * h), (step + facing * 0.06 * h, 0.02 * h)], 0.045 * h, plane.dim((30, 28, 28)), PERSON)
    hem = hip - (rng.uniform(0.0, 0.16) * h if rng.random() < 0.5 else 0)
    _torso(
        plane, coat, (girth * 0.8, girth), (hem, neck - 0.05 * h, neck), lean, facing if rng.random() < 0.5 else -facing
    )
    for side, shade in ((-1, 0.65), (1, 1.05)):
        elbow = (side * girth * 1.2 - side * stride * 0.3, 0.63 * h)
        hand = (elbow[0] - side * stride * 0.6 + facing * 0.04 * h, 0.48 * h)
        plane.limb(
            [(side * girth * 0.95 + lean, neck - 0.06 * h), elbow, hand], 0.055 * h, plane.dim(coat, shade), PERSON
        )
        plane.disc(*hand, 0.022 * h, 0.022 * h, plane.dim(skin), PERSON)
    if rng.random() < 0.3:
        plane.shape(
            [(-girth * 1.5, 0.3 * h), (-girth * 0.7, 0.3 * h), (-girth * 0.7, 0.47 * h), (-girth * 1.5, 0.47 * h)],
            plane.dim(_pick(CLOTHES, rng)),
            PERSON,
        )
    _head(plane, lean, neck, h, skin, _pick(HAIRS, rng), facing, PERSON)


def _torso(
    plane: Plane, coat: Colour, girth: tuple[float, float], levels: tuple[float, float, float], lean: float, dark: int
) -> None:
    """Paint a walker's trunk, ``girth`` wide at hem and shoulder, with its ``dark`` side (-1 or 1) in shade."""
    (hips, chest), (hem, shoulder, neck) = girth, levels
    left = [(-hips, hem), (-chest + lean, shoulder), (-chest * 0.45 + lean, neck)]
    right = [(hips, hem), (chest + lean, shoulder), (chest * 0.45 + lean, neck)]
    plane.shape([*left, *reversed(right)], plane.dim(coat), PERSON)
    plane.shape(
        [(0, hem), (dark * hips, hem), (dark * chest + lean, shoulder), (lean, neck)], plane.dim(coat, 0.78), None
    )


def _head(plane: Plane, u: float, neck: float, h: float, skin: Colour, hair: Colour, facing: int, label: int) -> None:
    plane.limb([(u, neck - 0.02 * h), (u, neck + 0.04 * h)], 0.05 * h, plane.dim(skin, 0.8), label)
    plane.disc(u, neck + 0.10 * h, 0.052 * h, 0.068 * h, plane.dim(skin), label)
    plane.disc(u - facing * 0.014 * h, neck + 0.125 * h, 0.052 * h, 0.048 * h, plane.dim(hair), label)


def paint_bicycle(canvas: Canvas, x: float, z: float, turn: float, ridden: bool, rng: np.random.Generator) -> None:
    """Paint a bicycle at (``x``, ``z``); its wheels count as discs, spokes show the background."""
    plane = Plane(canvas, x, z, turn)
    canvas.ground_shadow(x, z, max(1.7 * abs(turn), 0.5), 0.7, 0.45)
    frame, tyre = plane.dim(_pick(CLOTHES, rng), 1.3), plane.dim((32, 32, 34))
    ring = np.linspace(0, 2 * np.pi, 22)
    for hub in (-0.52, 0.52):
        wheel = [(hub + 0.34 * np.cos(a), 0.34 + 0.34 * np.sin(a)) for a in ring]
        canvas_label = plane.pixels(wheel)
        # The disc inside the tyre belongs to the class although the colours show through.
        _label_only(canvas, canvas_label, BICYCLE)
        plane.limb(wheel, 0.05, tyre, BICYCLE)
        for a in ring[:11:3]:
            plane.limb(
                [(hub - 0.3 * np.cos(a), 0.34 - 0.3 * np.sin(a)), (hub + 0.3 * np.cos(a), 0.34 + 0.3 * np.sin(a))],
                0.008,
                plane.dim((120, 120, 122)),
                None,
            )
    for tube in (
        [(-0.52, 0.34), (-0.12, 0.32), (0.40, 0.78), (-0.22, 0.80), (-0.12, 0.32)],
        [(-0.22, 0.80), (-0.52, 0.34)],
        [(0.52, 0.34), (0.40, 0.95)],
        [(-0.22, 0.8), (-0.25, 0.95)],
    ):
        plane.limb(tube, 0.05, frame, BICYCLE)
    plane.limb([(-0.36, 0.96), (-0.14, 0.96)], 0.07, tyre, BICYCLE)
    plane.limb([(0.30, 1.02), (0.46, 0.98)], 0.05, tyre, BICYCLE)
    bar = Plane(canvas, x + 0.40 * turn, z)
    bar.limb([(-0.26 * (1 - abs(turn)), 1.0), (0.26 * (1 - abs(turn)), 1.0)], 0.045, tyre, BICYCLE)
    if ridden:
        _rider(plane, 0.98, 0.40, 1.02, rng)


def paint_motorcycle(canvas: Canvas, x: float, z: float, turn: float, ridden: bool, rng: np.random.Generator) -> None:
    """Paint a motorcycle or scooter at (``x``, ``z``)."""
    plane = Plane(canvas, x, z, turn)
    canvas.ground_shadow(x, z, max(2.0 * abs(turn), 0.9), 0.9, 0.55)
    paint = _pick(((170, 36, 36), (36, 52, 110), (40, 42, 44), (190, 188, 182), (40, 96, 70)), rng)
    tyre, steel = plane.dim((26, 26, 28)), plane.dim((112, 112, 116))
    wide = 0.10 + 0.26 * (1 - abs(turn))
    for hub in (-0.62, 0.62):
        plane.disc(hub, 0.31, max(0.31 * abs(turn), 0.09), 0.31, tyre, MOTORCYCLE)
        plane.disc(hub, 0.31, 0.16 * abs(turn), 0.16, steel, None)
    end = Plane(canvas, x, z)
    end.shape([(-wide, 0.35), (wide, 0.35), (wide * 0.8, 0.95), (-wide * 0.8, 0.95)], plane.dim(paint, 0.6), MOTORCYCLE)
    plane.shape(
        [(-0.55, 0.55), (0.2, 0.28), (0.5, 0.6), (0.42, 0.95), (0.1, 0.98), (-0.3, 0.78), (-0.85, 0.82)],
        plane.dim(paint),
        MOTORCYCLE,
    )
    plane.shape([(-0.3, 0.35), (0.25, 0.3), (0.3, 0.55), (-0.25, 0.58)], steel, MOTORCYCLE)
    plane.limb([(-0.8, 0.86), (-0.1, 0.84)], 0.14, plane.dim((30, 28, 28)), MOTORCYCLE)
    plane.limb([(0.62, 0.31), (0.42, 1.0)], 0.08, steel, MOTORCYCLE)
    bar = Plane(canvas, x + 0.38 * turn, z)
    spread = 0.12 + 0.26 * (1 - abs(turn))
    bar.limb([(-spread, 1.04), (spread, 1.04)], 0.06, tyre, MOTORCYCLE)
    bar.disc(
        0.02, 0.86, 0.09, 0.10, plane.dim((236, 232, 214)) if rng.random() < 0.5 else plane.dim((180, 40, 36)), None
    )
    if ridden:
        _rider(plane, 0.86, 0.36, 1.05, rng, helmet=True)


def _rider(plane: Plane, seat: float, grip: float, bar: float, rng: np.random.Generator, helmet: bool = False) -> None:
    """Paint who sits on a two-wheeler: ``seat`` and ``bar`` are heights, ``grip`` the handle's place along it."""
    body, legs, skin = _pick(CLOTHES, rng), _pick(CLOTHES, rng), _pick(SKINS, rng)
    upright = Plane(plane.canvas, plane.x - 0.22 * plane.turn, plane.z)
    girth = 0.14 + 0.10 * (1 - abs(plane.turn))
    for side, foot in ((-1, 0.25), (1, 0.42)):
        knee = plane.pixels([(0.16, seat - 0.28)])[0] + [side * (1 - abs(plane.turn)) * 0.16 * plane.scale, 0]
        hip = upright.pixels([(side * girth * 0.5, seat)])[0]
        sole = plane.pixels([(-0.02, foot)])[0] + [side * (1 - abs(plane.turn)) * 0.13 * plane.scale, 0]
        leg = np.stack([hip, knee, sole]).astype(np.float32)
        plane.canvas.stroke(leg, 0.14 * plane.scale, plane.dim(legs, 0.8 + 0.1 * side), RIDER)
    lean = 0.2 * plane.turn
    top = seat + 0.56
    upright.shape(
        [
            (-girth, seat - 0.05),
            (girth, seat - 0.05),
            (girth * 1.15 + lean, top - 0.08),
            (girth * 0.5 + lean, top),
            (-girth * 0.5 + lean, top),
            (-girth * 1.15 + lean, top - 0.08),
        ],
        plane.dim(body),
        RIDER,
    )
    upright.shape(
        [(0, seat), (girth, seat), (girth * 1.1 + lean, top - 0.08), (lean, top)], plane.dim(body, 0.76), None
    )
    for side in (-1, 1):
        shoulder = upright.pixels([(side * girth + lean, top - 0.08)])[0]
        elbow = shoulder + np.array([side * 0.10 * (1 - abs(plane.turn)), 0.28]) * plane.scale
        hand = plane.pixels([(grip, bar)])[0] + [side * 0.24 * (1 - abs(plane.turn)) * plane.scale, 0]
        plane.canvas.stroke(
            np.stack([shoulder, elbow, hand]).astype(np.float32), 0.095 * plane.scale, plane.dim(body, 0.9), RIDER
        )
    hair = _pick(HAIRS, rng)
    _head(upright, lean * 1.2, top, 1.7, skin, hair, 1, RIDER)
    if helmet or rng.random() < 0.4:
        shell = _pick(((30, 30, 34), (206, 206, 204), (160, 40, 40)), rng)
        upright.disc(lean * 1.2, top + 0.20, 0.125, 0.13 if helmet else 0.09, plane.dim(shell), RIDER)


def _label_only(canvas: Canvas, pixels: np.ndarray, label: int) -> None:
    where = canvas.window(pixels)
    if where is None:
        return
    before = canvas.image[where].copy()
    canvas.fill(pixels, (0, 0, 0), label)
    canvas.image[where] = before
