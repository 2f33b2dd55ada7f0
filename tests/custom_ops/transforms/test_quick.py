"""Ours against the toolbox's: the same generator state gives the same sample and leaves the same state."""

import cv2
import numpy as np
import pytest
from mmseg.datasets.transforms import PhotoMetricDistortion, RandomCrop, RandomFlip

from custom_ops.transforms import QuickPhotoMetricDistortion, QuickRandomCrop, QuickRandomFlip
from custom_ops.transforms import quick as module

H, W = 60, 80
TWO_WAYS = dict(prob=[0.3, 0.4], direction=['vertical', 'diagonal'])
PAIRS = {
    'colour': (PhotoMetricDistortion, QuickPhotoMetricDistortion, {}),
    'colour, strong': (
        PhotoMetricDistortion,
        QuickPhotoMetricDistortion,
        dict(brightness_delta=200, contrast_range=(0.1, 4.0), saturation_range=(0.0, 3.0), hue_delta=90),
    ),
    'crop': (RandomCrop, QuickRandomCrop, dict(crop_size=(30, 40))),
    'mixed crop': (RandomCrop, QuickRandomCrop, dict(crop_size=(30, 40), cat_max_ratio=0.6)),
    'crop, higher than the image': (RandomCrop, QuickRandomCrop, dict(crop_size=(90, 40), cat_max_ratio=0.6)),
    'ignored value within': (RandomCrop, QuickRandomCrop, dict(crop_size=(30, 40), cat_max_ratio=0.6, ignore_index=3)),
    'flip': (RandomFlip, QuickRandomFlip, dict(prob=0.5)),
    'flip, two ways': (RandomFlip, QuickRandomFlip, TWO_WAYS),
    'flip that swaps labels': (RandomFlip, QuickRandomFlip, dict(prob=0.5, swap_seg_labels=[(1, 3)])),
}


def sample():
    generator = np.random.default_rng(0)
    image = cv2.GaussianBlur(generator.integers(0, 256, (H, W, 3), dtype=np.uint8), (5, 5), 2)
    label = generator.integers(0, 4, (H, W), dtype=np.uint8)
    # Half of the image is of one class, so that crops are refused; a part is ignored.
    label[:, : W // 2] = 3
    label[:8] = 255
    return dict(img=image, gt_seg_map=label, seg_fields=['gt_seg_map'])


def drawn(transform, seed):
    np.random.seed(seed)
    result = transform(sample())
    return result, np.random.random()


@pytest.mark.parametrize('name', PAIRS)
def test_same_draws_same_sample(name):
    theirs, ours, arguments = PAIRS[name]
    changed = 0
    for seed in range(60):
        (expected, after), (found, ours_after) = (drawn(kind(**arguments), seed) for kind in (theirs, ours))
        assert after == ours_after
        assert sorted(found) == sorted(expected)
        for key in ('img', 'gt_seg_map'):
            assert np.array_equal(found[key], expected[key]), (seed, key)
        assert found.get('flip_direction') == expected.get('flip_direction')
        changed += not np.array_equal(found['img'], sample()['img'])
    assert changed > 20


def test_a_crop_too_large_to_be_counted_in_float32_is_counted_all_the_same(monkeypatch):
    theirs, _, arguments = PAIRS['mixed crop']
    monkeypatch.setattr(module, 'EXACT_PIXELS', 10)
    for seed in range(20):
        expected, found = drawn(theirs(**arguments), seed), drawn(QuickRandomCrop(**arguments), seed)
        assert np.array_equal(found[0]['img'], expected[0]['img'])


def test_a_flipped_image_lies_in_order():
    np.random.seed(0)
    found = QuickRandomFlip(prob=1.0)(sample())
    assert found['img'].flags.c_contiguous
    assert found['gt_seg_map'].flags.c_contiguous
