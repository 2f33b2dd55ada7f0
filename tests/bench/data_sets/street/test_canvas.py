import numpy as np
import pytest

from bench.data_sets.street import textures
from bench.data_sets.street.canvas import Camera, Canvas, Weather, scaled

CAMERA = Camera(focal=100, centre=(60, 40), height=1.5, size=(80, 120))
WEATHER = Weather('overcast', 0.8, 0.8, 0.9, 1.0, (200, 200, 200), 100, 1, 0.0)


@pytest.fixture
def canvas():
    return Canvas(CAMERA, WEATHER)


def test_the_horizon_is_at_eye_height_at_any_distance():
    pixels = CAMERA.project([(x, 1.5, z) for x, z in ((0, 2), (3, 10), (-5, 400))])
    np.testing.assert_allclose(pixels[:, 1], 40)


def test_size_halves_as_distance_doubles():
    near, far = (np.ptp(CAMERA.project([(0, 0, z), (2, 0, z)])[:, 0]) for z in (5, 10))
    assert near == pytest.approx(2 * far)
    assert far == pytest.approx(20)


def test_an_upright_rectangle_is_the_polygon_of_its_corners(canvas):
    other = Canvas(CAMERA, WEATHER)
    canvas.upright(-1, 2, 0.2, 1.1, 8, (10, 20, 30), 4)
    other.solid([(-1, 0.2, 8), (2, 0.2, 8), (2, 1.1, 8), (-1, 1.1, 8)], (10, 20, 30), 4)
    assert (canvas.label == 4).sum() > 300
    assert (canvas.label != other.label).mean() < 0.01


def test_objects_far_outside_the_picture_do_not_wrap_around(canvas):
    canvas.upright(5000, 5001, 0, 1, 0.7, (9, 9, 9), 1)
    canvas.solid([(5000, 0, 0.7), (5001, 0, 0.7), (5001, 1, 0.7)], (9, 9, 9), 1)
    assert (canvas.label == 255).all()


def test_without_a_label_only_colours_change(canvas):
    canvas.upright(-1, 1, 0, 1, 8, (10, 20, 30), None)
    assert (canvas.label == 255).all()
    assert canvas.image.any()


def test_a_sheet_shows_its_picture_the_right_way_round_and_labels_its_holes(canvas):
    picture = np.zeros((40, 40, 3), np.uint8)
    picture[:20, :20] = (250, 0, 0)
    alpha = np.full((40, 40), 255, np.uint8)
    alpha[20:] = 0
    corners = [(-1, 2, 10), (1, 2, 10), (1, 1, 10), (-1, 1, 10)]
    canvas.image[:] = 77
    canvas.sheet(picture, corners, 3, alpha)
    assert canvas.image[37, 52].tolist() == [250, 0, 0]
    assert canvas.image[37, 68].tolist() == [0, 0, 0]
    assert canvas.image[43, 52].tolist() == [77, 77, 77]
    assert canvas.label[43, 52] == 3


def test_haze_swallows_distance():
    near, far = (WEATHER.dim((0, 0, 0), 'front', z) for z in (1, 1000))
    assert near[0] < 3 and far[0] == pytest.approx(200, abs=0.1)


def test_scaled_colours_stay_in_range():
    assert scaled((200, 100, 10), 2) == (255, 200, 20)


def test_a_shadow_darkens_and_leaves_classes(canvas):
    canvas.image[:] = 100
    canvas.ground_shadow(0, 10, 4, 4, 0.5)
    assert canvas.image.min() == pytest.approx(50, abs=3)
    assert canvas.image[:40].min() == 100
    assert (canvas.label == 255).all()


def test_noise_is_seamless_normed_and_repeatable():
    tile = textures.noise(1.0, 5)
    assert tile.mean() == pytest.approx(0, abs=1e-4) and tile.std() == pytest.approx(1, abs=1e-4)
    seam, inside = np.abs(tile[0] - tile[-1]).mean(), np.abs(tile[100] - tile[99]).mean()
    assert seam < 1.5 * inside
    textures.noise.cache_clear()
    assert np.array_equal(textures.noise(1.0, 5), tile)


@pytest.mark.parametrize('shape', [(10, 20), (256, 256), (300, 700)])
def test_a_cut_has_the_shape_asked_for(shape):
    assert textures.cut(np.random.default_rng(0), shape, 1.0).shape == shape
