import numpy as np
import pytest
import torch
from mmseg.evaluation.metrics import IoUMetric

from bench.measure.accuracy import class_iou, image_miou, scores
from custom_ops.metrics.confusion import confusion_matrix, pooled_scores

NAMES = ('road', 'sky', 'car', 'pole', 'train')
K = len(NAMES)


@pytest.fixture
def maps():
    """Three pairs of (prediction, label) maps [H, W]; class 4 never occurs, class 3 only in predictions."""
    generator = np.random.default_rng(0)
    labels = generator.integers(0, 3, (3, 24, 32))
    predictions = np.where(generator.random(labels.shape) < 0.6, labels, generator.integers(0, 4, labels.shape))
    labels[generator.random(labels.shape) < 0.1] = 255
    return list(zip(predictions, labels, strict=True))


@pytest.fixture
def matrices(maps):
    return np.stack([confusion_matrix(torch.from_numpy(p), torch.from_numpy(t), K).numpy() for p, t in maps])


def iou_by_sets(prediction, label, value):
    """IoU of one class from the pixels themselves; None where it is in neither map."""
    seen = label != 255
    of_prediction, of_label = (prediction == value) & seen, label == value
    union = (of_prediction | of_label).sum()
    return (of_prediction & of_label).sum() / union if union else None


def mean(values):
    values = [value for value in values if value is not None]
    return 100 * sum(values) / len(values)


def test_scores_equal_those_from_the_pixels_themselves(maps, matrices):
    prediction, label = (np.concatenate(each) for each in zip(*maps, strict=True))
    found, seen = scores(matrices, NAMES), label != 255
    iou = [iou_by_sets(prediction, label, value) for value in range(K)]
    recall = [(prediction == v)[label == v].mean() for v in range(3)]
    assert found['miou'] == pytest.approx(mean(iou))
    assert found['miou_absent_as_zero'] == pytest.approx(mean(value or 0.0 for value in iou))
    assert found['pixel_accuracy'] == pytest.approx(100 * (prediction == label)[seen].mean())
    assert found['class_accuracy'] == pytest.approx(mean(recall))
    shares = [(label == value).sum() / seen.sum() for value in range(K)]
    assert found['fw_iou'] == pytest.approx(100 * sum(s * (i or 0) for s, i in zip(shares, iou, strict=True)))
    per_image = [mean(iou_by_sets(p, t, value) for value in range(K)) for p, t in maps]
    assert found['miou_per_image'] == pytest.approx(sum(per_image) / len(per_image))
    assert list(found['per_class_iou']) == list(NAMES)
    assert found['per_class_iou']['car'] == pytest.approx(100 * iou[2])


def test_a_class_only_predicted_scores_zero_and_an_absent_one_nothing(matrices):
    found = scores(matrices, NAMES)
    assert found['per_class_iou']['pole'] == 0.0
    assert found['per_class_iou']['train'] is None
    assert found['miou_absent_as_zero'] == pytest.approx(found['miou'] * 4 / 5)


def test_the_means_equal_mmsegs_but_for_its_rounding(maps, matrices):
    metric = IoUMetric()
    metric.dataset_meta = {'classes': NAMES}
    for prediction, label in maps:
        pair = {'pred_sem_seg': torch.from_numpy(prediction), 'gt_sem_seg': torch.from_numpy(label)}
        metric.process({}, [{key: {'data': value[None]} for key, value in pair.items()}])
    theirs, ours = metric.evaluate(len(maps)), scores(matrices, NAMES)
    for name, other in (('miou', 'mIoU'), ('pixel_accuracy', 'aAcc'), ('class_accuracy', 'mAcc')):
        assert ours[name] == pytest.approx(theirs[other], abs=0.00501)


def test_the_metric_used_while_training_agrees(matrices):
    found = scores(matrices, NAMES)
    assert pooled_scores(matrices) == pytest.approx({name: found[name] for name in pooled_scores(matrices)})


def test_a_perfect_prediction_scores_hundred_and_the_order_of_images_does_not_matter(matrices):
    perfect = scores(np.eye(K, dtype=np.int64)[None] * 7, NAMES)
    assert {value for name, value in perfect.items() if name != 'per_class_iou'} == {100.0}
    forward, backward = scores(matrices, NAMES), scores(matrices[::-1], NAMES)
    assert forward.pop('per_class_iou') == backward.pop('per_class_iou')
    assert forward == pytest.approx(backward)


def test_an_unlabelled_image_changes_nothing(matrices):
    """It has no mIoU of its own: neither 0 nor a warning about an empty mean."""
    padded = np.concatenate([matrices, np.zeros((1, K, K), np.int64)])
    assert scores(padded, NAMES) == scores(matrices, NAMES)
    assert image_miou(padded).shape == (3,)


@pytest.mark.parametrize('images', [0, 2])
def test_nothing_labelled_means_nothing_measured(images):
    found = scores(np.zeros((images, K, K), np.int64), NAMES)
    assert set(found.pop('per_class_iou').values()) == {None}
    assert set(found.values()) == {None}


def test_class_iou_works_on_one_matrix_and_on_a_stack(matrices):
    assert class_iou(matrices).shape == (3, K)
    np.testing.assert_array_equal(class_iou(matrices)[1], class_iou(matrices[1]))


@pytest.mark.parametrize(
    ('stack', 'names', 'message'),
    [
        (np.zeros((K, K), np.int64), NAMES, r'shape \(5, 5\); for 5 class names it must be \[N, K, K\]'),
        (np.zeros((1, 4, 4), np.int64), NAMES, r'shape \(1, 4, 4\); for 5 class names'),
        (np.zeros((1, K, K)), NAMES, 'float64; counts must be integers'),
        (np.full((1, K, K), -2), NAMES, 'hold -2; counts cannot be negative'),
        (np.zeros((1, 2, 2), np.int64), ('car', 'car'), 'twice: car'),
    ],
)
def test_what_is_no_stack_of_counts_is_refused(stack, names, message):
    with pytest.raises(ValueError, match=message):
        scores(stack, names)
