import cv2
import numpy as np
import pytest

from custom_ops.transforms import ReflectRotate
from custom_ops.transforms.rotation import rotate_reflected

RANDOM = np.random.default_rng(0)


def labelled(height=20, width=30):
    label = RANDOM.integers(0, 5, (height, width), dtype=np.uint8)
    image = RANDOM.integers(1, 256, (height, width, 3), dtype=np.uint8)
    return dict(img=image, gt_seg_map=label, seg_fields=['gt_seg_map'])


@pytest.mark.parametrize('interpolation', [cv2.INTER_NEAREST, cv2.INTER_LINEAR])
def test_half_a_turn_flips_both_ways(interpolation):
    image = labelled()['img']
    assert np.array_equal(rotate_reflected(image, 180, interpolation), image[::-1, ::-1])


def test_a_quarter_turn_is_counter_clockwise():
    label = RANDOM.integers(0, 5, (9, 9), dtype=np.uint8)
    assert np.array_equal(rotate_reflected(label, 90, cv2.INTER_NEAREST), np.rot90(label))


def test_no_corner_is_black():
    """White stays white: a constant border would darken the corners."""
    white = np.full((40, 60, 3), 255, np.uint8)
    assert (rotate_reflected(white, 33, cv2.INTER_LINEAR) == 255).all()


def test_border_is_mirrored_without_repeating_itself():
    label = np.tile(np.arange(9, dtype=np.uint8), (9, 1))
    shifted = rotate_reflected(label, 0, cv2.INTER_NEAREST)
    assert np.array_equal(shifted, label)
    turned = rotate_reflected(np.pad(label, 9, mode='reflect'), 25, cv2.INTER_NEAREST)[9:-9, 9:-9]
    assert np.array_equal(rotate_reflected(label, 25, cv2.INTER_NEAREST), turned)


def test_label_turns_with_the_image():
    np.random.seed(2)
    blocks = RANDOM.integers(0, 5, (4, 6), dtype=np.uint8)
    label = np.kron(blocks, np.ones((40, 40), np.uint8))
    sample = dict(img=np.repeat(label[..., None] * 40, 3, axis=2), gt_seg_map=label, seg_fields=['gt_seg_map'])
    result = ReflectRotate(max_degrees=30, prob=1).transform(sample)
    agrees = np.abs(result['img'][..., 0].astype(int) - 40 * result['gt_seg_map'].astype(int)) <= 20
    assert agrees.mean() > 0.95
    assert set(np.unique(result['gt_seg_map'])) <= set(range(5))


def test_angles_stay_within_the_limit_and_take_both_signs(monkeypatch):
    seen = []
    original = cv2.getRotationMatrix2D
    monkeypatch.setattr(cv2, 'getRotationMatrix2D', lambda c, a, s: seen.append(a) or original(c, a, s))
    np.random.seed(0)
    for _ in range(100):
        ReflectRotate(max_degrees=40, prob=1).transform(labelled(4, 4))
    assert max(seen) <= 40
    assert min(seen) >= -40
    assert max(seen) > 30
    assert min(seen) < -30


@pytest.mark.parametrize(('prob', 'low', 'high'), [(0.0, 0, 0), (0.9, 160, 198), (1.0, 200, 200)])
def test_probability(prob, low, high):
    np.random.seed(0)
    changed = 0
    for _ in range(200):
        sample = labelled(16, 16)
        before = sample['img'].copy()
        changed += not np.array_equal(ReflectRotate(prob=prob).transform(sample)['img'], before)
    assert low <= changed <= high
