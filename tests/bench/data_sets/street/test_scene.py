import numpy as np
import pytest

from bench.data_sets.street import bodies, classes, scene, vehicles
from bench.data_sets.street.canvas import Camera, Canvas
from bench.data_sets.street.ground import paint_ground

PROMISED = {
    'tram': classes.TRAIN, 'bus': classes.BUS, 'lorry': classes.TRUCK, 'motorcycle': classes.MOTORCYCLE,
    'cycling': classes.BICYCLE, 'wall': classes.WALL, 'fence': classes.FENCE, 'signals': classes.LIGHT,
}  # fmt: skip


def test_every_theme_has_its_promise():
    assert PROMISED.keys() == set(scene.THEMES)


@pytest.mark.parametrize('theme', scene.THEMES)
def test_a_theme_keeps_its_promise_in_most_pictures(theme):
    found = [
        (scene.render(np.random.default_rng([77, k]), theme, (128, 256))[1] == PROMISED[theme]).sum() > 10
        for k in range(4)
    ]
    assert sum(found) >= 3


@pytest.mark.parametrize('away', [True, False])
@pytest.mark.parametrize('body', [bodies.HATCH, bodies.LORRY, bodies.COACH, bodies.TRAM])
def test_a_vehicle_is_as_wide_and_high_as_it_is(body, away):
    canvas = Canvas(Camera(500, (256, 128), 1.4, (256, 512)), scene._weather(np.random.default_rng(0)))
    vehicles.paint_along(canvas, body, 0.0, 12.0, away, np.random.default_rng(1))
    rows, columns = np.nonzero(canvas.label == body.label)
    assert np.ptp(columns) == pytest.approx(500 * body.width / 12, rel=0.12)
    height = max(top for _, top in body.line)
    assert np.ptp(rows) == pytest.approx(500 * height / 12, rel=0.25)


@pytest.mark.parametrize('body', [bodies.COACH, bodies.TRAM])
def test_beside_us_a_vehicle_shows_its_flank_to_the_far_end(body):
    canvas = Canvas(Camera(500, (256, 128), 1.4, (256, 512)), scene._weather(np.random.default_rng(0)))
    vehicles.paint_along(canvas, body, 4.0, 14.0, True, np.random.default_rng(1))
    columns = np.nonzero(canvas.label == body.label)[1]
    flank = 4.0 - body.width / 2
    assert columns.min() == pytest.approx(256 + 500 * flank / (14 + body.length), abs=2)
    assert columns.max() == pytest.approx(256 + 500 * (4.0 + body.width / 2) / 14, abs=4)


def test_the_road_lies_between_its_kerbs():
    canvas = Canvas(Camera(500, (256, 100), 1.4, (256, 512)), scene._weather(np.random.default_rng(0)))
    street = scene._street('fence', np.random.default_rng(3))
    paint_ground(canvas, street, np.random.default_rng(4))
    row = 240
    x = (np.flatnonzero(canvas.label[row] == classes.ROAD) - 256) * 1.4 / (row - 100)
    low, high = (np.array([0, 511]) - 256) * 1.4 / (row - 100)
    assert x.min() == pytest.approx(max(street.left, low), abs=0.03)
    assert x.max() == pytest.approx(min(street.right, high), abs=0.03)


def test_nothing_but_sky_is_above_the_roofs_and_ground_is_below():
    """The upper left corner is never road, the bottom middle never sky."""
    for k, theme in enumerate(scene.THEMES):
        _, label = scene.render(np.random.default_rng([5, k]), theme, (128, 256))
        assert not np.isin(label[:30], [classes.ROAD, classes.SIDEWALK, classes.TERRAIN]).any()
        assert not (label[90:] == classes.SKY).any()
