import cv2
import numpy as np
import pytest

from custom_ops.transforms import AdditivePoissonNoise, ColourJitter, RandomContrast, RandomMultiply, RGBShift
from custom_ops.transforms.colour import jitter, scale_saturation, scale_values, stretch_contrast, turn_hue

ALL = [RGBShift(prob=1), RandomContrast(), RandomMultiply(), AdditivePoissonNoise(), ColourJitter()]


def photograph(height=24, width=32, low=0, high=256):
    return np.random.default_rng(0).integers(low, high, (height, width, 3), dtype=np.uint8)


@pytest.mark.parametrize('transform', ALL, ids=lambda t: type(t).__name__)
def test_image_changes_within_its_type_and_the_label_does_not(transform):
    np.random.seed(0)
    image, label = photograph(), np.ones((24, 32), np.uint8)
    result = transform.transform(dict(img=image.copy(), gt_seg_map=label.copy(), seg_fields=['gt_seg_map']))
    assert result['img'].dtype == np.uint8
    assert result['img'].shape == image.shape
    assert not np.array_equal(result['img'], image)
    assert np.array_equal(result['gt_seg_map'], label)


@pytest.mark.parametrize('transform', ALL, ids=lambda t: type(t).__name__)
def test_numpys_seed_decides(transform):
    results = []
    for _ in range(2):
        np.random.seed(7)
        results.append(transform.transform(dict(img=photograph()))['img'])
    assert np.array_equal(*results)


@pytest.mark.parametrize('name', ['brightness', 'contrast', 'saturation', 'hue'])
def test_no_jitter_changes_nothing(name):
    image = photograph()
    # The way through hue and back rounds.
    tolerance = 6 if name == 'hue' else 0
    assert np.abs(jitter(image, name, 0.0).astype(int) - image).max() <= tolerance


def test_contrast_moves_values_away_from_the_middle():
    image = np.array([[[127, 27, 227]]], np.uint8)
    assert stretch_contrast(image, 1.1).tolist() == [[[127, 17, 237]]]
    assert stretch_contrast(image, 2.0).tolist() == [[[127, 0, 255]]]


def test_values_saturate_instead_of_wrapping():
    assert scale_values(np.full((1, 1, 3), 200, np.uint8), 1.5).tolist() == [[[255, 255, 255]]]


def test_without_saturation_the_photograph_is_grey():
    image = photograph()
    grey = cv2.cvtColor(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR)
    assert np.array_equal(scale_saturation(image, 0.0), grey)


def test_a_third_of_a_turn_takes_red_to_green():
    red = np.array([[[0, 0, 255]]], np.uint8)
    assert turn_hue(red, 1 / 3).tolist() == [[[0, 255, 0]]]
    assert turn_hue(red, -1 / 3).tolist() == [[[255, 0, 0]]]


def test_shift_limits_are_given_for_red_green_blue_and_applied_to_bgr():
    np.random.seed(0)
    image = photograph(low=100, high=150)
    result = RGBShift(limits=(25, 0, 0), prob=1).transform(dict(img=image.copy()))['img'].astype(int) - image
    assert not result[..., :2].any()
    assert len(np.unique(result[..., 2])) == 1
    assert result[0, 0, 2] != 0


def test_shifts_stay_within_their_limits():
    np.random.seed(0)
    image = photograph(low=100, high=150)
    shifts = [RGBShift(prob=1).transform(dict(img=image.copy()))['img'].astype(int) - image for _ in range(200)]
    assert max(s.max() for s in shifts) in (24, 25)
    assert min(s.min() for s in shifts) in (-25, -24)


@pytest.mark.parametrize(('share', 'expected'), [(0.0, 0), (1.0, 1)])
def test_multiplication_is_per_channel_only_when_drawn(share, expected):
    np.random.seed(0)
    grey = np.full((2, 2, 3), 100, np.uint8)
    results = [RandomMultiply(per_channel=share).transform(dict(img=grey))['img'][0, 0] for _ in range(50)]
    apart = np.mean([len(set(r.tolist())) > 1 for r in results])
    assert apart == pytest.approx(expected, abs=0.1)
    assert 80 <= np.min(results) <= np.max(results) <= 120


def test_noise_has_the_poisson_laws_size_on_both_sides_and_is_equal_in_all_channels():
    np.random.seed(0)
    grey = np.full((200, 200, 3), 128, np.uint8)
    noise = AdditivePoissonNoise(rates=(15, 15)).transform(dict(img=grey))['img'].astype(int) - 128
    assert (noise == noise[..., :1]).all()
    size = np.abs(noise[..., 0])
    assert size.mean() == pytest.approx(15, abs=0.2)
    assert size.var() == pytest.approx(15, abs=1)
    assert (noise > 0).mean() == pytest.approx(0.5, abs=0.02)


@pytest.mark.parametrize('bounds', [(1.2, 0.8), (-0.1, 1)])
def test_ranges_that_are_not_ordered_are_refused(bounds):
    with pytest.raises(ValueError, match=r'must be \(low, high\) with 0 <= low <= high'):
        RandomContrast(bounds)


def test_jitter_draws_its_strength_within_the_limit():
    np.random.seed(0)
    grey = np.full((2, 2, 3), 100, np.uint8)
    transform = ColourJitter(brightness=0.2, contrast=0, saturation=0, hue=0)
    drawn = [int(transform.transform(dict(img=grey))['img'][0, 0, 0]) for _ in range(100)]
    assert 80 <= min(drawn) < 85
    assert 115 < max(drawn) <= 120
