import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text

from bench.render import labels

SPREAD = [(x, y, f'a long name {x} {y}') for x in range(3) for y in range(3)]
CROWDED = [(1.0 + i / 200, 1.0, f'name {i}') for i in range(8)]


@pytest.mark.parametrize('points', [SPREAD, CROWDED])
def test_no_name_covers_another_or_leaves_the_frame(points):
    figure = Figure(figsize=(8, 5))
    axes = figure.subplots()
    axes.plot([x for x, _, _ in points], [y for _, y, _ in points], 'o')
    axes.set_xlim(-1, 4)
    axes.set_ylim(-1, 4)
    written = labels.place(axes, points)
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    renderer = canvas.get_renderer()
    boxes = [Text.get_window_extent(one, renderer) for one in written]
    assert [one.get_text() for one in written] == [name for _, _, name in points]
    assert not [(i, j) for i in range(len(boxes)) for j in range(i) if boxes[i].overlaps(boxes[j])]
    frame = axes.get_window_extent(renderer)
    assert all(frame.x0 <= box.x0 and box.x1 <= frame.x1 for box in boxes)
