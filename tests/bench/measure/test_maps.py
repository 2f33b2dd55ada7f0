import numpy as np
import pytest

from bench.measure.maps import UNSEEN, centre_square, class_windows, seen_maps


def test_ignored_pixels_are_unseen_in_both_maps_whatever_was_predicted_there():
    prediction, truth = np.array([[0, 2, 1]]), np.array([[0, 9, 2]])
    seen, labels = seen_maps(prediction, truth, 3, 9)
    assert seen.tolist() == [[0, UNSEEN, 1]]
    assert labels.tolist() == [[0, UNSEEN, 2]]
    assert seen.dtype == labels.dtype == np.uint8
    assert prediction.tolist() == [[0, 2, 1]]


def test_an_ignored_value_below_the_number_of_classes_counts_nowhere_either():
    seen, labels = seen_maps(np.array([[0, 1]]), np.array([[0, 1]]), 2, 0)
    assert seen.tolist() == labels.tolist() == [[UNSEEN, 1]]


@pytest.mark.parametrize(
    ('prediction', 'truth', 'classes', 'message'),
    [
        (np.zeros((2, 3), int), np.zeros((3, 2), int), 2, r'\(2, 3\) and truth \(3, 2\) must be maps \[H, W\]'),
        (np.zeros((1, 2, 3), int), np.zeros((1, 2, 3), int), 2, r'must be maps \[H, W\]'),
        (np.full((2, 3), 2), np.zeros((2, 3), int), 2, 'prediction holds 2; .* a class, 0 to 1'),
        (np.zeros((2, 3), int), np.full((2, 3), -1), 2, 'truth holds -1; .* a class, 0 to 1'),
        (np.zeros((2, 3)), np.zeros((2, 3), int), 2, 'prediction is float64; it must hold integers'),
        (np.zeros((2, 3), int), np.zeros((2, 3), int), 256, '256 classes; .* 1 to 255'),
    ],
)
def test_what_cannot_be_counted_is_refused(prediction, truth, classes, message):
    with pytest.raises(ValueError, match=message):
        seen_maps(prediction, truth, classes, 255)


@pytest.mark.parametrize('shape', [(4, 10), (10, 4), (5, 5), (5, 8)])
def test_the_centre_square_is_as_wide_as_the_short_side_and_in_the_middle(shape):
    rows, columns = np.indices(shape)
    for places, length in ((rows, shape[0]), (columns, shape[1])):
        found = centre_square(places)
        assert found.shape == (min(shape), min(shape))
        assert abs((found.min() + found.max()) - (length - 1)) <= 1


def test_windows_hold_every_pixel_of_each_class_in_either_map_and_no_empty_edge():
    generator = np.random.default_rng(0)
    maps = [np.kron(generator.integers(0, 6, (4, 5)), np.ones((3, 3))).astype(np.uint8) for _ in range(2)]
    maps[0][maps[0] == 5], maps[1][maps[1] == 5] = UNSEEN, UNSEEN
    found = list(class_windows(*maps, classes=5))
    assert [here.value for here in found] == sorted((set(maps[0].flat) | set(maps[1].flat)) - {UNSEEN})
    for here in found:
        masks = [each == here.value for each in maps]
        assert [here.first.sum(), here.second.sum()] == [mask.sum() for mask in masks]
        np.testing.assert_array_equal(here.first, masks[0][here.box])
        either = here.first | here.second
        assert all(edge.any() for edge in (either[0], either[-1], either[:, 0], either[:, -1]))
