from math import hypot

import numpy as np
import pytest

from bench.measure.boundary import band, f_counts, f_scores, iou_counts, iou_scores
from bench.measure.maps import UNSEEN

K = 4


def blocks(values, size, shape):
    return np.kron(values, np.ones((size, size), int))[: shape[0], : shape[1]]


def random_pair(seed, shape=(30, 42)):
    """Two maps of blocks that agree in most places, with a few ignored ones; class K - 1 is only predicted."""
    generator = np.random.default_rng(seed)
    cells = (shape[0] // 2 + 1, shape[1] // 2 + 1)
    truth = blocks(generator.integers(0, K - 1, cells), 9, shape)
    other = blocks(generator.integers(0, K, cells), 7, shape)
    prediction = np.where(blocks(generator.random(cells), 7, shape) < 0.3, other, truth)
    hidden = blocks(generator.random(cells), 2, shape) < 0.02
    truth[hidden] = prediction[hidden] = UNSEEN
    return prediction.astype(np.uint8), truth.astype(np.uint8)


def share(pixels, shape):
    """The width that comes out at a hair above ``pixels``."""
    return (pixels + 1e-9) / hypot(*shape)


def pixels(labels):
    return [(y, x, int(labels[y, x])) for y, x in np.ndindex(labels.shape) if labels[y, x] != UNSEEN]


def square(a, b):
    return max(abs(a[0] - b[0]), abs(a[1] - b[1]))


def circle(a, b):
    return hypot(a[0] - b[0], a[1] - b[1])


def slow_band(labels, depth):
    seen = pixels(labels)
    return [p for p in seen if any(q[2] != p[2] and square(p, q) <= depth for q in seen)]


def clear_of_ignored(points, labels, reach):
    hidden = np.argwhere(labels == UNSEEN).tolist()
    return [p for p in points if not any(square(p, q) <= reach for q in hidden)]


def slow_f_counts(prediction, truth, reach):
    """From the definition, pixel by pixel."""
    outlines = [slow_band(labels, 1) for labels in (truth, prediction)]
    kept = [clear_of_ignored(points, truth, reach) for points in outlines]
    rows = []
    for value in range(K):
        of = [[p for p in points if p[2] == value] for points in (*outlines, *kept)]
        near = [
            sum(any(circle(p, q) <= reach for q in targets) for p in points)
            for points, targets in ((of[2], of[1]), (of[3], of[0]))
        ]
        rows.append([len(of[2]), near[0], len(of[3]), near[1], len(of[0]) - len(of[2])])
    return rows


def slow_iou_counts(prediction, truth, depth):
    bands = [set(slow_band(labels, depth)) for labels in (truth, prediction)]
    kept = [set(clear_of_ignored(points, truth, depth)) for points in bands]
    sets = (kept[0], kept[1], kept[0] & kept[1], bands[0] - kept[0])
    return [[sum(p[2] == value for p in points) for points in sets] for value in range(K)]


@pytest.mark.parametrize('reach', [1.0, 2.3, 5.0])
@pytest.mark.parametrize('seed', [0, 1])
def test_boundary_pixels_are_matched_as_one_by_one(reach, seed):
    """Some pixels lie exactly on the circle of 1.0 and 5.0, none on that of 2.3."""
    prediction, truth = random_pair(seed)
    found = f_counts(prediction, truth, K, width=share(reach, truth.shape))
    assert found.tolist() == slow_f_counts(prediction, truth, reach)
    assert found.any(axis=0).all()
    assert (found[:, [1, 3]] < found[:, [0, 2]]).any()


@pytest.mark.parametrize('depth', [1, 2, 4])
def test_bands_are_counted_as_one_by_one(depth):
    prediction, truth = random_pair(2)
    found = iou_counts(prediction, truth, K, width=share(depth, truth.shape))
    assert found.tolist() == slow_iou_counts(prediction, truth, depth)
    assert found.any(axis=0).all()


def halves(column, shape=(40, 60)):
    """Class 0 left of ``column``, class 1 from it on."""
    return np.broadcast_to(np.arange(shape[1]) >= column, shape).astype(np.uint8)


def test_a_perfect_prediction_scores_one_and_classes_without_a_boundary_nothing():
    truth = halves(30)
    assert f_scores(f_counts(truth, truth, K)).tolist()[:2] == [1.0, 1.0]
    assert iou_scores(iou_counts(truth, truth, K)).tolist()[:2] == [1.0, 1.0]
    assert np.isnan(f_scores(f_counts(truth, truth, K))[2:]).all()
    assert np.isnan(iou_scores(iou_counts(truth, truth, K))[2:]).all()


@pytest.mark.parametrize(('shift', 'score'), [(0, 1.0), (3, 1.0), (4, 0.0)])
def test_an_outline_off_by_more_than_the_width_is_missed(shift, score):
    truth = halves(30)
    found = f_scores(f_counts(halves(30 + shift), truth, 2, width=share(3.2, truth.shape)))
    assert found.tolist() == [score, score]


@pytest.mark.parametrize('shift', [0, 1, 3, 7])
def test_bands_of_a_shifted_outline_overlap_as_computed_by_hand(shift):
    """Bands four columns deep: class 0 shares 4 - shift of 4 + shift, class 1 likewise."""
    truth = halves(30)
    found = iou_scores(iou_counts(halves(30 + shift), truth, 2, width=share(4, truth.shape)))
    expected = max(0, 4 - shift) / min(8, 4 + shift)
    assert found.tolist() == pytest.approx([expected, expected])


def test_the_width_follows_the_diagonal():
    small, large = (
        iou_counts(halves(c, s), halves(c, s), 2)[0, 0] / s[0] for c, s in ((30, (40, 60)), (300, (400, 600)))
    )
    assert (small, large) == (1, 14)


def test_neither_the_edge_of_the_image_nor_an_ignored_region_is_a_boundary():
    truth = np.zeros((20, 20), np.uint8)
    truth[5:9, 5:9] = UNSEEN
    assert not band(truth, 3).any()
    truth[15:, :] = 2
    assert band(truth, 2).nonzero()[0].tolist() == [row for row in (13, 14, 15, 16) for _ in range(20)]


def test_pixels_near_ignored_ones_are_left_out_and_counted_as_such():
    """An ignored column on the change: whatever is predicted beside it is neither right nor wrong."""
    truth, width = halves(30), share(3, (40, 60))
    truth[10:20, 30] = UNSEEN
    prediction = np.where(truth == UNSEEN, UNSEEN, truth).astype(np.uint8)
    prediction[12:18, 28:30] = 1
    counts = f_counts(prediction, truth, 2, width)
    assert f_scores(counts).tolist() == [1.0, 1.0]
    # Rows 7 to 22 are within three of the ignored ones. Class 0 has a boundary in eight of them, two over a corner.
    assert counts[:, 0].tolist() == [24, 24]
    assert counts[:, 4].tolist() == [8, 6]


def test_a_class_that_only_one_map_has_scores_zero():
    truth, prediction = halves(30), halves(30)
    prediction[:5, :5] = 2
    assert f_scores(f_counts(prediction, truth, K))[2] == 0
    assert iou_scores(iou_counts(prediction, truth, K))[2] == 0


def test_f_is_the_harmonic_mean_of_the_pooled_precision_and_recall():
    counts = np.array([[8, 4, 10, 10, 0], [5, 0, 5, 0, 3], [0, 0, 0, 0, 7]])
    found = f_scores(counts)
    assert found[0] == pytest.approx(2 * 0.5 * 1.0 / 1.5)
    assert found[1] == 0
    assert np.isnan(found[2])
