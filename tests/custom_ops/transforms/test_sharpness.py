import numpy as np
import pytest
from PIL import Image, ImageEnhance

from custom_ops.transforms import RandomSharpness


@pytest.fixture
def sample():
    generator = np.random.default_rng(0)
    coarse = generator.integers(40, 216, (4, 5, 3))
    image = np.kron(coarse, np.ones((4, 4, 1))).astype(np.uint8)
    return {'img': image, 'gt_seg_map': np.ones((16, 20), np.uint8), 'seg_fields': ['gt_seg_map']}


def sharpened(sample, **options):
    return RandomSharpness(**{'prob': 1.0, **options})({**sample, 'img': sample['img'].copy()})


@pytest.mark.parametrize('factor', [0.0, 0.5, 2.0])
def test_inner_pixels_are_those_of_pillow(sample, factor):
    """Pillow leaves the outermost pixels alone; roundings may differ by one grey level per step."""
    ours = sharpened(sample, factor=factor)['img'].astype(int)
    theirs = np.asarray(ImageEnhance.Sharpness(Image.fromarray(sample['img'])).enhance(factor)).astype(int)
    assert np.abs(ours - theirs)[1:-1, 1:-1].max() <= 2
    assert np.abs(ours - sample['img']).max() > 10


def test_a_factor_of_one_changes_nothing(sample):
    assert np.array_equal(sharpened(sample, factor=1.0)['img'], sample['img'])


def test_labels_stay(sample):
    assert np.array_equal(sharpened(sample)['gt_seg_map'], sample['gt_seg_map'])


def test_probability(sample):
    np.random.seed(0)
    transform = RandomSharpness(prob=0.5)
    changed = [not np.array_equal(transform(dict(sample))['img'], sample['img']) for _ in range(200)]
    assert 75 <= sum(changed) <= 125


def test_a_negative_factor_is_refused():
    with pytest.raises(ValueError, match='factor -1: must not be negative'):
        RandomSharpness(factor=-1)
