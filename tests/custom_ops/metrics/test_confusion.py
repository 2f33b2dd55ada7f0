import re

import numpy as np
import pytest
import torch
from mmengine.registry import DefaultScope
from mmseg.evaluation.metrics import IoUMetric
from mmseg.registry import DATASETS, METRICS
from PIL import Image

from custom_ops.metrics.confusion import BLOCK_PIXELS, ConfusionMetric, confusion_matrix, pooled_scores

DEVICES = ['cpu', pytest.param('cuda', marks=pytest.mark.skipif(not torch.cuda.is_available(), reason='no CUDA'))]
# 256 is the last that fits one byte; 300 is beyond it.
CLASSES = [1, 2, 17, 19, 32, 150, 256, 300]


def random_maps(num_classes, height=96, width=160, ignored=0.1, seed=0):
    """Maps [H, W]: random truth with ignored pixels, a prediction that is right on about half of the rest."""
    generator = torch.Generator().manual_seed(seed)
    label = torch.randint(num_classes, (height, width), generator=generator)
    other = torch.randint(num_classes, (height, width), generator=generator)
    prediction = torch.where(torch.rand(height, width, generator=generator) < 0.5, label, other)
    label[torch.rand(height, width, generator=generator) < ignored] = 255
    return prediction, label


def count_one_by_one(prediction, label, num_classes, ignore_index=255):
    matrix = torch.zeros(num_classes, num_classes, dtype=torch.int64)
    for p, t in zip(prediction.flatten().tolist(), label.flatten().tolist(), strict=True):
        if t != ignore_index:
            matrix[t, p] += 1
    return matrix


@pytest.mark.parametrize('device', DEVICES)
@pytest.mark.parametrize('num_classes', CLASSES)
def test_every_pixel_is_counted_once_in_its_cell(num_classes, device):
    prediction, label = random_maps(num_classes)
    matrix = confusion_matrix(prediction.to(device), label.to(device), num_classes)
    assert matrix.dtype == torch.int64 and matrix.device.type == 'cpu'
    assert torch.equal(matrix, count_one_by_one(prediction, label, num_classes))


@pytest.mark.parametrize('num_classes', [17, 19, 32, 150])
def test_counts_equal_those_of_mmseg(num_classes):
    prediction, label = random_maps(num_classes, 256, 512)
    matrix = confusion_matrix(prediction, label, num_classes)
    hits, union, predicted, truth = IoUMetric.intersect_and_union(prediction, label, num_classes, 255)
    assert torch.equal(matrix.diagonal(), hits.long())
    assert torch.equal(matrix.sum(0), predicted.long())
    assert torch.equal(matrix.sum(1), truth.long())
    assert torch.equal(matrix.sum(0) + matrix.sum(1) - matrix.diagonal(), union.long())


@pytest.mark.parametrize('num_classes', [19, 150, 300])
@pytest.mark.parametrize('seed', range(3))
def test_the_general_path_agrees_with_the_byte_path(num_classes, seed):
    """A negative ignore index takes the general path for any K."""
    prediction, label = random_maps(num_classes, seed=seed)
    negative = torch.where(label == 255, -1, label)
    expected = confusion_matrix(prediction, label, num_classes)
    if num_classes <= 255:
        assert torch.equal(confusion_matrix(prediction, negative, num_classes, ignore_index=-1), expected)
    assert expected.sum() == (label != 255).sum()


@pytest.mark.parametrize('dtype', [torch.uint8, torch.int16, torch.uint16, torch.int32, torch.int64])
def test_the_width_of_the_integers_does_not_matter(dtype):
    prediction, label = random_maps(150)
    expected = confusion_matrix(prediction, label, 150)
    assert torch.equal(confusion_matrix(prediction.to(dtype), label, 150), expected)
    assert torch.equal(confusion_matrix(prediction, label.to(dtype), 150), expected)


def test_maps_longer_than_a_block_and_not_contiguous():
    prediction, label = random_maps(19, 300, 700)
    assert prediction.numel() % BLOCK_PIXELS and prediction.numel() > BLOCK_PIXELS
    expected = confusion_matrix(prediction, label, 19)
    assert torch.equal(confusion_matrix(prediction.T, label.T, 19), expected)
    assert torch.equal(expected, count_one_by_one(prediction, label, 19))


def test_counts_above_the_exact_range_of_float32():
    """2**24 + 3 equal pixels: a float32 counter cannot tell that number from its neighbours."""
    pixels = (1 << 24) + 3
    label = torch.ones(1, pixels, dtype=torch.uint8)
    assert confusion_matrix(label, label, 2).tolist() == [[0, 0], [0, pixels]]


@pytest.mark.parametrize('device', DEVICES)
@pytest.mark.parametrize('num_classes', [19, 300])
def test_an_ignored_value_below_k_counts_nowhere(num_classes, device):
    prediction, label = random_maps(num_classes, ignored=0.0)
    matrix = confusion_matrix(prediction.to(device), label.to(device), num_classes, ignore_index=3)
    assert matrix[3].sum() == 0
    assert matrix.sum() == (label != 3).sum()


def test_an_empty_map_counts_nothing():
    empty = torch.zeros(0, 5, dtype=torch.int64)
    assert confusion_matrix(empty, empty, 3).sum() == 0


@pytest.mark.parametrize('device', DEVICES)
@pytest.mark.parametrize('num_classes', [19, 300])
@pytest.mark.parametrize('value', [-1, 300, 65536, 2**32])
def test_a_prediction_that_is_no_class_is_refused(value, num_classes, device):
    """65536 and 2**32 would pass as 0 if they were cut to fewer bits before the check."""
    prediction, label = random_maps(num_classes)
    prediction[5, 7] = value
    with pytest.raises(ValueError, match=f'prediction holds {value}; .* 0 to {num_classes - 1}'):
        confusion_matrix(prediction.to(device), label.to(device), num_classes)


@pytest.mark.parametrize('value', [19, 31])
def test_a_prediction_just_past_the_classes_is_refused(value):
    """19 to 31 need no more bits than 18 does, so that only their counts tell them apart."""
    prediction, label = random_maps(19)
    prediction[5, 7], label[5, 7] = value, 255
    with pytest.raises(ValueError, match=f'prediction holds {value}; it must be a class, 0 to 18'):
        confusion_matrix(prediction, label, 19)


@pytest.mark.parametrize('device', DEVICES)
@pytest.mark.parametrize(
    ('num_classes', 'value'), [(19, 19), (19, 254), (19, -1), (19, 256 + 3), (300, 300), (300, -1)]
)
def test_a_label_that_is_no_class_is_refused(num_classes, value, device):
    prediction, label = random_maps(num_classes)
    label[5, 7] = value
    expected = re.escape(f'label holds {value}; it must be a class, 0 to {num_classes - 1}, or 255 (ignored)')
    with pytest.raises(ValueError, match=expected):
        confusion_matrix(prediction.to(device), label.to(device), num_classes)


def test_a_byte_label_that_is_no_class_is_refused():
    """CamVid's void is 11: with 11 classes it must be mapped to the ignored value first."""
    label = torch.full((4, 4), 11, dtype=torch.uint8)
    with pytest.raises(ValueError, match='label holds 11; it must be a class, 0 to 10'):
        confusion_matrix(torch.zeros(4, 4, dtype=torch.int64), label, 11)


def test_maps_that_do_not_fit_each_other_are_refused():
    prediction, label = torch.zeros(4, 6, dtype=torch.int64), torch.zeros(8, 12, dtype=torch.int64)
    with pytest.raises(ValueError, match=r'prediction \(4, 6\) is not at the size of the label \(8, 12\)'):
        confusion_matrix(prediction, label, 3)
    with pytest.raises(TypeError, match=r'prediction is torch\.float32; it must hold integers'):
        confusion_matrix(prediction.float(), prediction, 3)
    with pytest.raises(ValueError, match='num_classes is 0'):
        confusion_matrix(prediction, prediction, 0)


def sample(prediction, label, name='a.png'):
    return {
        'img_path': name,
        'pred_sem_seg': {'data': prediction[None]},
        'gt_sem_seg': {'data': label[None]},
    }


def evaluate(metric, samples, num_classes):
    metric.dataset_meta = {'classes': tuple(f'class {i}' for i in range(num_classes))}
    metric.process({}, samples)
    return metric.evaluate(len(samples))


def test_the_metric_rounds_to_what_mmseg_prints_and_keeps_each_image():
    pairs = [random_maps(19, seed=seed) for seed in range(3)]
    samples = [sample(*pair, name=f'{i}.png') for i, pair in enumerate(pairs)]
    metric = METRICS.build(dict(type='ConfusionMetric'))
    ours, theirs = evaluate(metric, samples, 19), evaluate(IoUMetric(), samples, 19)
    assert set(ours) == {'miou', 'pixel_accuracy', 'class_accuracy'}
    for name, other in (('miou', 'mIoU'), ('pixel_accuracy', 'aAcc'), ('class_accuracy', 'mAcc')):
        assert ours[name] == pytest.approx(theirs[other], abs=0.00501)
        assert round(ours[name], 2) != ours[name]
    assert metric.names == ['0.png', '1.png', '2.png']
    assert metric.matrices.shape == (3, 19, 19)
    for matrix, pair in zip(metric.matrices, pairs, strict=True):
        assert np.array_equal(matrix, confusion_matrix(*pair, 19).numpy())


def test_the_metric_names_the_image_it_refuses():
    metric = ConfusionMetric()
    with pytest.raises(ValueError, match=r'street/7\.png: prediction \(4, 6\) is not at the size'):
        evaluate(metric, [sample(torch.zeros(4, 6).long(), torch.zeros(8, 12).long(), 'street/7.png')], 3)


def test_the_metric_takes_the_thresholded_map_of_a_single_channel_head():
    prediction, label = random_maps(2)
    assert evaluate(ConfusionMetric(), [sample(prediction.float(), label)], 2) == evaluate(
        ConfusionMetric(), [sample(prediction, label)], 2
    )


def test_absent_classes_are_left_out_of_the_pooled_scores():
    matrix = np.zeros((1, 4, 4), np.int64)
    matrix[0, 0, 0], matrix[0, 0, 1], matrix[0, 2, 2] = 6, 2, 8
    scores = pooled_scores(matrix)
    assert scores['miou'] == pytest.approx(100 * (6 / 8 + 0 + 1) / 3)
    assert scores['class_accuracy'] == pytest.approx(100 * (6 / 8 + 1) / 2)
    assert scores['pixel_accuracy'] == pytest.approx(100 * 14 / 16)
    assert all(np.isnan(value) for value in pooled_scores(np.zeros((2, 3, 3), np.int64)).values())


def test_the_test_pipeline_of_mmseg_leaves_labels_at_their_own_size(tmp_path):
    """What makes scoring at label resolution true: the label is loaded after the resize of the image."""
    Image.fromarray(np.zeros((90, 120, 3), np.uint8)).save(tmp_path / 'a.png')
    Image.fromarray(np.full((90, 120), 255, np.uint8)).save(tmp_path / 'a_label.png')
    (tmp_path / 'list.txt').write_text('a')
    pipeline = [
        dict(type='LoadImageFromFile'),
        dict(type='Resize', scale=(64, 48), keep_ratio=False),
        dict(type='LoadAnnotations'),
        dict(type='PackSegInputs'),
    ]
    config = dict(
        type='BaseSegDataset', metainfo=dict(classes=('a', 'b')), data_root=str(tmp_path), img_suffix='.png',
        seg_map_suffix='_label.png', ann_file='list.txt', data_prefix=dict(img_path='', seg_map_path=''),
        test_mode=True, pipeline=pipeline,
    )  # fmt: skip
    with DefaultScope.overwrite_default_scope('mmseg'):
        item = DATASETS.build(config)[0]
    assert tuple(item['inputs'].shape) == (3, 48, 64)
    assert tuple(item['data_samples'].gt_sem_seg.data.shape) == (1, 90, 120)
    assert item['data_samples'].ori_shape == (90, 120)
