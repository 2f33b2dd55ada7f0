import numpy as np
import pytest

from custom_ops.transforms import RandomBoxBlur, RandomGaussianBlur
from custom_ops.transforms.blur import box_blur, gaussian_blur


def dot():
    image = np.zeros((11, 11, 3), np.uint8)
    image[5, 5] = 225
    return image


def test_box_blur_spreads_a_dot_evenly():
    expected = np.zeros((11, 11, 3), np.uint8)
    expected[4:7, 4:7] = 25
    assert np.array_equal(box_blur(dot(), 3), expected)


def test_gaussian_blur_has_the_variance_asked_for():
    line = np.zeros((29, 29, 3), np.uint8)
    line[:, 14] = 255
    profile = gaussian_blur(line, 1.5)[14, :, 0].astype(float)
    variance = (profile * (np.arange(29) - 14) ** 2).sum() / profile.sum()
    assert variance == pytest.approx(1.5**2, rel=0.1)


@pytest.mark.parametrize('blur', [lambda i: gaussian_blur(i, 0.8), lambda i: box_blur(i, 3)])
def test_a_flat_image_stays_flat_up_to_its_border(blur):
    flat = np.full((9, 9, 3), 77, np.uint8)
    assert np.array_equal(blur(flat), flat)


def test_no_width_means_no_blur():
    assert np.array_equal(gaussian_blur(dot(), 0.0), dot())


@pytest.mark.parametrize(('prob', 'low', 'high'), [(0.0, 0, 0), (0.5, 75, 125), (1.0, 200, 200)])
def test_probability(prob, low, high):
    np.random.seed(0)
    transform = RandomGaussianBlur(prob=prob, sigmas=(1.0, 2.0))
    changed = sum(not np.array_equal(transform.transform(dict(img=dot()))['img'], dot()) for _ in range(200))
    assert low <= changed <= high


def test_box_sides_are_odd_and_all_drawn():
    np.random.seed(0)
    peaks = {int(RandomBoxBlur(7).transform(dict(img=dot()))['img'].max()) for _ in range(60)}
    assert peaks == {25, 9, round(225 / 49)}


@pytest.mark.parametrize('side', [2, 4, 1])
def test_sides_without_a_centre_are_refused(side):
    with pytest.raises(ValueError, match=f'max_kernel {side}: must be odd and at least 3'):
        RandomBoxBlur(side)
