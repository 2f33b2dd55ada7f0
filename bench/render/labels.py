"""Name the points of a scatter plot without covering one name, or point, with another."""

from collections.abc import Sequence
from math import cos, pi, sin

from matplotlib.axes import Axes
from matplotlib.text import Annotation, Text
from matplotlib.transforms import Bbox

_DISTANCES = (9.0, 18.0, 28.0, 40.0, 54.0, 70.0)
_DIRECTIONS = (0, 8, 4, 12, 2, 14, 6, 10, 1, 15, 7, 9, 3, 13, 5, 11)
_POINT_PIXELS = 7.0


def place(axes: Axes, points: Sequence[tuple[float, float, str]]) -> list[Annotation]:
    """Write each point's name at the nearest free place around it; a far one is joined to its point by a line.

    Args:
        axes: of a figure whose limits are final; it is laid out.
        points: x and y in data coordinates, and the name.

    Returns:
        The annotations in the order of ``points``. Where no place is free the last one tried is kept.
    """
    figure = axes.figure
    # Asking for the limits settles those that were left to the data.
    axes.get_xlim(), axes.get_ylim()
    frame = axes.get_window_extent()
    marks = [tuple(axes.transData.transform((x, y)).tolist()) for x, y, _ in points]
    reach = _POINT_PIXELS
    taken = [Bbox.from_extents(x - reach, y - reach, x + reach, y + reach) for x, y in marks]
    written = []
    for (x, y, name), mark in zip(points, marks, strict=True):
        distance, angle = _DISTANCES[0], 0.0
        annotation = _annotate(axes, x, y, name, distance, angle)
        size = _size(annotation)
        for distance, angle in ((d, k * pi / 8) for d in _DISTANCES for k in _DIRECTIONS):
            box = _box(mark, size, distance * figure.dpi / 72, angle)
            inside = frame.x0 <= box.x0 and box.x1 <= frame.x1 and frame.y0 <= box.y0 and box.y1 <= frame.y1
            if inside and not any(box.overlaps(other) for other in taken):
                annotation.remove()
                annotation = _annotate(axes, x, y, name, distance, angle)
                break
        else:
            box = _box(mark, size, _DISTANCES[0] * figure.dpi / 72, 0.0)
        taken.append(box)
        written.append(annotation)
    return written


def _annotate(axes: Axes, x: float, y: float, name: str, distance: float, angle: float) -> Annotation:
    sideways, upright = _alignment(angle)
    annotation = axes.annotate(
        name,
        (x, y),
        (distance * cos(angle), distance * sin(angle)),
        textcoords='offset points',
        fontsize=8,
        ha=sideways,
        va=upright,
        arrowprops={'arrowstyle': '-', 'color': '#b0b0b0', 'linewidth': 0.7} if distance > _DISTANCES[0] else None,
    )
    # The frame is final: names must not make the layout move it.
    annotation.set_in_layout(False)
    return annotation


def _alignment(angle: float) -> tuple[str, str]:
    """Return which side of its text an annotation in this direction hangs by."""
    right, up = cos(angle), sin(angle)
    sideways = 'left' if right > 0.3 else 'right' if right < -0.3 else 'center'
    return sideways, 'bottom' if up > 0.3 else 'top' if up < -0.3 else 'center'


def _size(annotation: Annotation) -> tuple[float, float]:
    """Return width and height of the words alone in pixels: the line to the point may cross what it likes."""
    box = Text.get_window_extent(annotation)
    return box.width, box.height


def _box(mark: Sequence[float], size: tuple[float, float], distance: float, angle: float) -> Bbox:
    """Return where words of this ``size`` lie at ``distance`` pixels from ``mark``; setting them to see costs more."""
    width, height = size
    sideways, upright = _alignment(angle)
    x = mark[0] + distance * cos(angle) - width * {'left': 0.0, 'center': 0.5, 'right': 1.0}[sideways]
    y = mark[1] + distance * sin(angle) - height * {'bottom': 0.0, 'center': 0.5, 'top': 1.0}[upright]
    return Bbox.from_bounds(x, y, width, height)
