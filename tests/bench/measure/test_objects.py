import numpy as np
import pytest
import torch
from scipy import ndimage

from bench.measure.maps import UNSEEN
from bench.measure.objects import BOUNDS, SIZES, object_counts, object_iou, object_recall
from custom_ops.metrics.confusion import confusion_matrix

BOUND_PIXELS = (10, 50)
SHAPE = (30, 40)


def counts(prediction, truth, classes=3):
    return object_counts(prediction, truth, classes, [pixels / truth.size for pixels in BOUND_PIXELS])


@pytest.fixture
def maps():
    """Class 1 has an object each of 4, 20 and 100 pixels; the rest is class 0."""
    truth = np.zeros(SHAPE, np.uint8)
    truth[2:4, 2:4] = truth[10:14, 2:7] = truth[10:20, 20:30] = 1
    return truth.copy(), truth


def random_pair(seed):
    generator = np.random.default_rng(seed)
    truth = ndimage.zoom(generator.integers(0, 3, (6, 8)), 5, order=0).astype(np.uint8)
    prediction = np.where(ndimage.zoom(generator.random((15, 20)), 2, order=0) < 0.3, 2 - truth, truth).astype(np.uint8)
    hidden = generator.random(SHAPE) < 0.05
    prediction[hidden] = truth[hidden] = UNSEEN
    return prediction, truth


def slow_counts(prediction, truth, classes):
    """Region by region with another library's labelling."""
    found = np.zeros((classes, 3, 4), int)
    for value in range(classes):
        ids, number = ndimage.label(truth == value, np.ones((3, 3)))
        size_of = {}
        for region in range(1, number + 1):
            area = int((ids == region).sum())
            size_of[region] = sum(area >= bound for bound in BOUND_PIXELS)
            right = int((prediction[ids == region] == value).sum())
            found[value, size_of[region]] += (1, area, right, 0)
        regions, number = ndimage.label(prediction == value, np.ones((3, 3)))
        for region in range(1, number + 1):
            met = ids[regions == region]
            shared = [sum(size_of.get(one) == size for one in met.tolist()) for size in range(3)]
            own = sum(len(met) >= bound for bound in BOUND_PIXELS)
            found[value, shared.index(max(shared)) if any(shared) else own, 3] += int((met == 0).sum())
    return found


@pytest.mark.parametrize('seed', range(4))
def test_counts_equal_those_taken_region_by_region(seed):
    prediction, truth = random_pair(seed)
    found = counts(prediction, truth)
    assert found.tolist() == slow_counts(prediction, truth, 3).tolist()
    assert (found[..., 3] > 0).sum() > 3


def test_summed_over_sizes_the_counts_are_those_of_the_confusion_matrix():
    prediction, truth = random_pair(7)
    matrix = confusion_matrix(torch.from_numpy(prediction % UNSEEN), torch.from_numpy(truth), 3).numpy()
    _, pixels, hits, false = counts(prediction, truth).sum(axis=1).T
    assert pixels.tolist() == matrix.sum(axis=1).tolist()
    assert hits.tolist() == np.diagonal(matrix).tolist()
    assert false.tolist() == (matrix.sum(axis=0) - np.diagonal(matrix)).tolist()


def test_objects_are_grouped_by_their_area(maps):
    found = counts(*maps)
    assert found[1].tolist() == [[1, 4, 4, 0], [1, 20, 20, 0], [1, 100, 100, 0]]
    assert object_iou(found)[1].tolist() == object_recall(found)[1].tolist() == [1.0, 1.0, 1.0]
    assert np.isnan(object_iou(found)[2]).all()


def test_missing_a_small_object_costs_the_small_ones_only(maps):
    prediction, truth = maps
    prediction[2:4, 2:4] = 0
    prediction[10:14, 2:4] = 0
    found = counts(prediction, truth)
    assert object_recall(found)[1].tolist() == [0.0, 12 / 20, 1.0]
    assert object_iou(found)[1].tolist() == [0.0, 12 / 20, 1.0]


def test_wrong_pixels_go_to_the_object_they_hang_on_or_to_their_own_size(maps):
    prediction, truth = maps
    prediction[4:6, 2:4] = 1  # hangs on the small object
    prediction[25:28, 10:20] = 1  # hangs on none; 30 pixels are medium
    found = counts(prediction, truth)
    assert found[1, :, 3].tolist() == [4, 30, 0]
    assert object_iou(found)[1].tolist() == [4 / 8, 20 / 50, 1.0]
    assert object_recall(found)[1].tolist() == [1.0, 1.0, 1.0]


def test_a_wrong_region_over_two_objects_goes_to_the_size_it_hits_most(maps):
    """A bridge of eight columns from the medium to the large object."""
    prediction, truth = maps
    prediction[12, 7:20] = 1
    assert counts(prediction, truth)[1, :, 3].tolist() == [0, 0, 13]


def test_objects_that_touch_at_a_corner_are_one():
    truth = np.zeros(SHAPE, np.uint8)
    truth[0:2, 0:4] = truth[2:4, 4:8] = 1
    assert counts(truth, truth)[1, :, 0].tolist() == [0, 1, 0]


def test_ignored_pixels_part_objects_and_belong_to_none():
    truth = np.zeros(SHAPE, np.uint8)
    truth[0:2, 0:9] = 1
    truth[0:2, 4] = UNSEEN
    assert counts(truth, truth)[1].tolist() == [[2, 16, 16, 0], [0, 0, 0, 0], [0, 0, 0, 0]]


def test_false_pixels_of_a_size_the_truth_does_not_have_make_no_score(maps):
    prediction, truth = maps
    prediction[28, 38] = 2
    found = counts(prediction, truth)
    assert found[2, 0].tolist() == [0, 0, 0, 1]
    assert np.isnan(object_iou(found)[2, 0])


def test_the_usual_bounds_are_those_of_coco():
    """32 x 32 and 96 x 96 pixels of 480 x 640; an object of exactly that area is the larger one."""
    truth = np.zeros((480, 640), np.uint8)
    truth[:32, :32] = truth[100:196, :96] = truth[300:331, :33] = 1
    assert object_counts(truth, truth, 2)[1, :, 0].tolist() == [1, 1, 1]
    assert len(SIZES) == len(BOUNDS) + 1


@pytest.mark.parametrize('bounds', [(0.0, 0.1), (0.2, 0.1), (0.1, 1.0), (0.1, 0.1)])
def test_bounds_that_do_not_rise_are_refused(bounds, maps):
    with pytest.raises(ValueError, match=r'size bounds \(.*\) must rise strictly between 0 and 1'):
        object_counts(*maps, 3, bounds)
