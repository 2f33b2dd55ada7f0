"""Camera, light and the pair of pictures (colour, class) that every painter of the street draws on.

World axes in metres: X to the right, Y up from the road surface, Z ahead of the camera. Pictures are
drawn at ``SUPERSAMPLE`` times the final size, so that averaging smooths the edges.
"""

import math
from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

from bench.data_sets.street import textures

Colour = tuple[float, float, float]
Points = NDArray[np.float32]

SUPERSAMPLE = 2
NEAREST_M = 0.6


@dataclass(frozen=True)
class Camera:
    """A pinhole camera that looks along Z; ``focal`` and ``centre`` (x, y) in canvas pixels, ``height`` in metres."""

    focal: float
    centre: tuple[float, float]
    height: float
    size: tuple[int, int]

    def project(self, points: object) -> Points:
        """Return the pixels [N, 2] of world ``points`` [N, 3]; points behind the lens are moved before it."""
        xyz = np.asarray(points, np.float32).reshape(-1, 3)
        z = np.maximum(xyz[:, 2], NEAREST_M)
        x = self.centre[0] + self.focal * xyz[:, 0] / z
        y = self.centre[1] + self.focal * (self.height - xyz[:, 1]) / z
        return np.stack([x, y], axis=1)

    def pixels_per_metre(self, z: float) -> float:
        return self.focal / max(z, NEAREST_M)


@dataclass(frozen=True)
class Weather:
    """Light: brightness by the direction a surface faces, and the haze that swallows distance."""

    name: str
    left: float
    right: float
    front: float
    top: float
    haze: Colour
    haze_m: float
    sun_side: int
    shadow: float

    def dim(self, colour: Colour, facing: str, z: float) -> Colour:
        """Return ``colour`` as seen on a surface that faces ``facing`` at distance ``z`` metres."""
        light = getattr(self, facing)
        clear = math.exp(-z / self.haze_m)
        red, green, blue = (
            min(c * light, 255.0) * clear + h * (1 - clear) for c, h in zip(colour, self.haze, strict=True)
        )
        return red, green, blue


@dataclass
class Canvas:
    """The colour picture [H, W, 3] (RGB) and the class picture [H, W], painted from far to near."""

    camera: Camera
    weather: Weather
    image: NDArray[np.uint8] = field(init=False)
    label: NDArray[np.uint8] = field(init=False)

    def __post_init__(self) -> None:
        self.image = np.zeros((*self.camera.size, 3), np.uint8)
        self.label = np.full(self.camera.size, 255, np.uint8)

    def fill(self, pixels: Points, colour: Colour, label: int | None) -> None:
        """Fill a polygon given in pixels [N, 2]; ``label`` None leaves the classes alone."""
        points = [_fixed(pixels)]
        cv2.fillPoly(self.image, points, colour, shift=4)
        if label is not None:
            cv2.fillPoly(self.label, points, label, shift=4)

    def solid(self, points: object, colour: Colour, label: int | None) -> None:
        """Fill a polygon given in world coordinates [N, 3]."""
        self.fill(self.camera.project(points), colour, label)

    def upright(self, x0: float, x1: float, y0: float, y1: float, z: float, colour: Colour, label: int | None) -> None:
        """Fill the upright rectangle between ``x0`` and ``x1``, ``y0`` and ``y1`` at distance ``z``, metres."""
        (cx, cy), scale = self.camera.centre, 16 * self.camera.pixels_per_metre(z)
        top, middle = 16 * cy + scale * self.camera.height, 16 * cx
        corners = [
            round(min(max(v, -480000.0), 480000.0))
            for v in (middle + scale * x0, top - scale * y1, middle + scale * x1, top - scale * y0)
        ]
        cv2.rectangle(self.image, corners[:2], corners[2:], colour, cv2.FILLED, shift=4)
        if label is not None:
            cv2.rectangle(self.label, corners[:2], corners[2:], label, cv2.FILLED, shift=4)

    def stroke(self, pixels: Points, width: float, colour: Colour, label: int | None) -> None:
        """Draw a round-ended polyline through pixels [N, 2], ``width`` pixels wide."""
        points, thickness = [_fixed(pixels)], max(1, round(width))
        cv2.polylines(self.image, points, False, colour, thickness, cv2.LINE_AA, shift=4)
        if label is not None:
            cv2.polylines(self.label, points, False, label, thickness, cv2.LINE_8, shift=4)

    def disc(self, centre: Points, radii: tuple[float, float], colour: Colour, label: int | None) -> None:
        """Fill an axis-parallel ellipse: ``centre`` [2] and ``radii`` (x, y) in pixels."""
        angle = np.linspace(0, 2 * np.pi, 20, endpoint=False)
        ring = np.stack([np.cos(angle) * radii[0], np.sin(angle) * radii[1]], axis=1)
        self.fill((ring + centre).astype(np.float32), colour, label)

    def window(self, pixels: Points) -> tuple[slice, slice] | None:
        """Return the rows and columns that a polygon's bounding box covers, None where it is outside."""
        height, width = self.camera.size
        (left, top), (right, bottom) = pixels.min(axis=0).tolist(), pixels.max(axis=0).tolist()
        columns = slice(max(math.floor(left), 0), min(math.ceil(right) + 1, width))
        rows = slice(max(math.floor(top), 0), min(math.ceil(bottom) + 1, height))
        return (rows, columns) if rows.stop > rows.start and columns.stop > columns.start else None

    def shade(self, pixels: Points, strength: float, softness: float = 0.0) -> None:
        """Darken the colours inside a polygon by ``strength`` (0 to 1); ``softness`` blurs its edge, in pixels."""
        margin = np.float32(2 * softness)
        rim = np.concatenate([pixels - margin, pixels + margin])
        where = self.window(rim)
        if where is None:
            return
        mask = self._mask(pixels, where).astype(np.float32)
        if softness >= 0.5:
            mask = cv2.GaussianBlur(mask, (0, 0), softness)
        patch = self.image[where]
        patch[:] = (patch * (1 - strength * mask)[..., None]).astype(np.uint8)

    def ground_shadow(self, x: float, z: float, width: float, length: float, strength: float = 0.55) -> None:
        """Darken the ground under a footprint ``width`` by ``length`` centred at (``x``, ``z``), metres."""
        low, high = z - length / 2, z + length / 2
        corners = [(x - width / 2, 0, low), (x - width / 2, 0, high), (x + width / 2, 0, high), (x + width / 2, 0, low)]
        self.shade(self.camera.project(corners), strength, min(0.06 * self.camera.pixels_per_metre(max(low, 4)), 12))

    def sheet(
        self, texture: NDArray[np.uint8], corners: object, label: int | None, alpha: NDArray[np.uint8] | None = None
    ) -> None:
        """Hang a picture [h, w, 3] on four world points (top left, top right, bottom right, bottom left).

        ``alpha`` [h, w] lets the scene behind shine through the colours; the class covers the whole sheet.
        """
        pixels = self.camera.project(corners)
        where = self.window(pixels)
        if where is None:
            return
        height, width = texture.shape[:2]
        source = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
        shift = np.array([where[1].start, where[0].start], np.float32)
        matrix = cv2.getPerspectiveTransform(source, pixels - shift)
        mask = self._mask(pixels, where)
        size = mask.shape[::-1]
        warped = cv2.warpPerspective(texture, matrix, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        if label is not None:
            self.label[where][mask > 0] = label
        if alpha is not None:
            mask = mask * (cv2.warpPerspective(alpha, matrix, size, flags=cv2.INTER_LINEAR) > 100)
        cv2.copyTo(warped, mask, self.image[where])

    def stamp(
        self, sprite: NDArray[np.uint8], box: tuple[float, float, float, float], colour: Colour, label: int | None
    ) -> None:
        """Print a sprite of ``textures.foliage`` into ``box`` (x0, y0, x1, y1 in pixels), tinted by ``colour``."""
        where = self.window(np.array([box[:2], box[2:]], np.float32))
        width, height = box[2] - box[0], box[3] - box[1]
        if where is None or width < 2 or height < 2:
            return
        fit = np.array(
            [
                [width / sprite.shape[1], 0, box[0] - where[1].start],
                [0, height / sprite.shape[0], box[1] - where[0].start],
            ]
        )
        patch = self.image[where]
        cover, shade, body = cv2.split(cv2.warpAffine(sprite, fit, patch.shape[1::-1], flags=cv2.INTER_LINEAR))
        tints = np.minimum(textures.LEVELS * np.array(colour, np.float32), 255).astype(np.uint8)
        cv2.copyTo(cv2.LUT(cv2.merge((shade, shade, shade)), tints), cv2.compare(cover, 120, cv2.CMP_GT), patch)
        if label is not None:
            self.label[where][body > 127] = label

    def _mask(self, pixels: Points, where: tuple[slice, slice]) -> NDArray[np.uint8]:
        rows, columns = where
        mask = np.zeros((rows.stop - rows.start, columns.stop - columns.start), np.uint8)
        cv2.fillPoly(mask, [_fixed(pixels - np.array([columns.start, rows.start], np.float32))], 1, shift=4)
        return mask


def scaled(colour: Colour, factor: float) -> Colour:
    """Return a colour made brighter or darker."""
    red, green, blue = (min(255.0, c * factor) for c in colour)
    return red, green, blue


def _fixed(pixels: Points) -> NDArray[np.int32]:
    # OpenCV wants 28.4 fixed point; objects beside the camera project far outside and would overflow.
    return np.rint(np.minimum(np.maximum(pixels, -30000), 30000) * 16).astype(np.int32)
