import json

import numpy as np
import pytest
import torch

from bench.measure import boundary, objects
from bench.measure.accuracy import scores
from bench.measure.detail import image_counts, stack, summarise
from custom_ops.metrics.confusion import confusion_matrix

NAMES = ('road', 'sky', 'car')
K = len(NAMES)


def blocks(generator, shape, size):
    cells = generator.integers(0, K, (shape[0] // size + 1, shape[1] // size + 1))
    return np.kron(cells, np.ones((size, size), int))[: shape[0], : shape[1]]


@pytest.fixture
def images():
    """Three pairs of (prediction, label) [H, W] of different sizes; 255 is ignored."""
    generator = np.random.default_rng(0)
    pairs = []
    for shape in ((60, 90), (90, 60), (64, 64)):
        label = blocks(generator, shape, 13)
        prediction = np.where(generator.random(shape) < 0.9, label, blocks(generator, shape, 7))
        label[20:25, 30:50] = 255
        pairs.append((prediction, label))
    return pairs


@pytest.fixture
def counts(images):
    return stack([image_counts(*pair, K) for pair in images])


def test_every_array_is_counted_in_integers_with_the_images_first(counts):
    shapes = {'centre': (K, K), 'boundary_f': (K, 5), 'boundary_iou': (K, 4), 'objects': (K, 3, 4)}
    assert {name: array.shape for name, array in counts.items()} == {n: (3, *s) for n, s in shapes.items()}
    assert {array.dtype for array in counts.values()} == {np.dtype(np.int64)}


def test_the_centre_is_the_confusion_of_the_middle_square(images, counts):
    """The first image is 60 x 90: columns 15 to 74 are left."""
    prediction, label = (torch.from_numpy(values[:, 15:75].copy()) for values in images[0])
    np.testing.assert_array_equal(counts['centre'][0], confusion_matrix(prediction, label, K).numpy())
    assert summarise(counts, NAMES)['centre'] == scores(counts['centre'], NAMES)
    square = images[2]
    np.testing.assert_array_equal(
        counts['centre'][2], confusion_matrix(*(torch.from_numpy(values) for values in square), K).numpy()
    )


def test_the_type_of_the_maps_does_not_matter(images):
    prediction, label = images[0]
    narrow, wide = image_counts(prediction.astype(np.uint8), label.astype(np.uint8), K), image_counts(*images[0], K)
    assert all(np.array_equal(narrow[name], wide[name]) for name in wide)


def test_scores_are_those_of_the_pooled_counts(counts):
    found = summarise(counts, NAMES)
    f = 100 * boundary.f_scores(counts['boundary_f'].sum(axis=0))
    iou = 100 * boundary.iou_scores(counts['boundary_iou'].sum(axis=0))
    assert found['boundary']['f'] == pytest.approx(f.mean())
    assert found['boundary']['iou'] == pytest.approx(iou.mean())
    assert list(found['boundary']['per_class_f'].values()) == pytest.approx(f.tolist())
    assert list(found['boundary']['per_class_iou'].values()) == pytest.approx(iou.tolist())
    assert (found['boundary']['f_width'], found['boundary']['iou_width']) == (0.0075, 0.02)
    for name, column in (('f', 4), ('iou', 3)):
        kept, left_out = counts[f'boundary_{name}'].sum(axis=(0, 1))[[0, column]]
        assert left_out > 0
        assert found['boundary'][f'{name}_left_out'] == pytest.approx(100 * left_out / (kept + left_out))
    shares = 100 * objects.object_iou(counts['objects'].sum(axis=0))
    recalls = 100 * objects.object_recall(counts['objects'].sum(axis=0))
    for index, size in enumerate(objects.SIZES):
        block = found['objects'][size]
        assert block['miou'] == (pytest.approx(np.nanmean(shares[:, index])) if block['objects'] else None)
        assert block['recall'] == (pytest.approx(np.nanmean(recalls[:, index])) if block['objects'] else None)
        assert block['objects'] == counts['objects'][:, :, index, 0].sum() == sum(block['per_class_objects'].values())


def test_a_perfect_prediction_scores_hundred_everywhere(images):
    perfect = summarise(stack([image_counts(np.where(t == 255, 0, t), t, K) for _, t in images]), NAMES)
    assert perfect['centre']['miou'] == perfect['boundary']['f'] == perfect['boundary']['iou'] == 100.0
    sizes = [perfect['objects'][size] for size in objects.SIZES]
    assert {block['miou'] for block in sizes if block['objects']} == {100.0}
    assert {block['recall'] for block in sizes if block['objects']} == {100.0}


def test_what_no_image_has_is_not_measured_and_the_block_is_plain_json():
    empty = np.full((40, 50), 255)
    found = summarise(stack([image_counts(np.zeros((40, 50), int), empty, K)]), NAMES)
    assert found['centre']['miou'] is None
    assert {found['boundary'][name] for name in ('f', 'iou', 'f_left_out', 'iou_left_out')} == {None}
    assert {found['objects'][size]['miou'] for size in objects.SIZES} == {None}
    assert json.loads(json.dumps(found, allow_nan=False)) == found


def test_nothing_stacks_to_nothing_and_a_wrong_value_is_named(images):
    assert stack([]) == {}
    prediction, label = images[0]
    with pytest.raises(ValueError, match=r'prediction holds 2; .* a class, 0 to 1'):
        image_counts(prediction, np.where(label == 2, 1, label), 2)
