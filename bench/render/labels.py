"""Name the points of a scatter plot without covering one name, or point, with another."""

from collections.abc import Sequence
from math import cos, pi, sin

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.text import Annotation, Text
from matplotlib.transforms import Bbox

_DISTANCES = (9.0, 18.0, 28.0, 40.0, 54.0, 70.0)
_DIRECTIONS = (0, 8, 4, 12, 2, 14, 6, 10, 1, 15, 7, 9, 3, 13, 5, 11)
_POINT_PIXELS = 7.0


def place(axes: Axes, points: Sequence[tuple[float, float, str]]) -> list[Annotation]:
    """Write each point's name at the nearest free place around it; a far one is joined to its point by a line.

    Args:
        axes: drawn to with an Agg canvas; its limits must be final.
        points: x and y in data coordinates, and the name.

    Returns:
        The annotations in the order of ``points``. Where no place is free the last one tried is kept.
    """
    figure = axes.figure
    canvas = FigureCanvasAgg(figure)  # type: ignore[arg-type]
    canvas.draw()
    renderer = canvas.get_renderer()
    frame = axes.get_window_extent(renderer)
    marks = [axes.transData.transform((x, y)) for x, y, _ in points]
    reach = _POINT_PIXELS
    taken = [Bbox.from_extents(x - reach, y - reach, x + reach, y + reach) for x, y in marks]
    written = []
    for x, y, name in points:
        for distance, direction in ((d, k) for d in _DISTANCES for k in _DIRECTIONS):
            annotation = _annotate(axes, x, y, name, distance, direction * pi / 8)
            box = _text_box(annotation, renderer)
            inside = frame.x0 <= box.x0 and box.x1 <= frame.x1 and frame.y0 <= box.y0 and box.y1 <= frame.y1
            if inside and not any(box.overlaps(other) for other in taken):
                break
            annotation.remove()
        else:
            annotation = _annotate(axes, x, y, name, _DISTANCES[0], 0.0)
            box = _text_box(annotation, renderer)
        taken.append(box)
        written.append(annotation)
    return written


def _annotate(axes: Axes, x: float, y: float, name: str, distance: float, angle: float) -> Annotation:
    right, up = cos(angle), sin(angle)
    annotation = axes.annotate(
        name,
        (x, y),
        (distance * right, distance * up),
        textcoords='offset points',
        fontsize=8,
        ha='left' if right > 0.3 else 'right' if right < -0.3 else 'center',
        va='bottom' if up > 0.3 else 'top' if up < -0.3 else 'center',
        arrowprops={'arrowstyle': '-', 'color': '#b0b0b0', 'linewidth': 0.7} if distance > _DISTANCES[0] else None,
    )
    # The frame is final: names must not make the layout move it.
    annotation.set_in_layout(False)
    return annotation


def _text_box(annotation: Annotation, renderer) -> Bbox:  # type: ignore[no-untyped-def]
    """Return the box of the words alone: the line to the point may cross what it likes."""
    annotation.update_positions(renderer)
    return Text.get_window_extent(annotation, renderer)
