import numpy as np
import pytest
from PIL import Image

from bench.data_sets import camvid
from bench.data_sets.check import check
from bench.data_sets.describe import describe
from bench.data_sets.moments import colour_moments
from bench.errors import DataError
from bench.records import Pair


def test_moments_equal_those_of_all_pixels_in_one_array(camvid_root):
    pairs = camvid.find(camvid_root).splits['train']
    pixels = np.concatenate([np.asarray(Image.open(camvid_root / pair.image)).reshape(-1, 3) for pair in pairs])
    mean, deviation = colour_moments(camvid_root, pairs)
    np.testing.assert_allclose(mean, pixels.mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(deviation, pixels.std(axis=0), rtol=1e-12)


def test_channels_are_red_green_blue(tmp_path):
    Image.new('RGB', (4, 3), (250, 100, 7)).save(tmp_path / 'x.png')
    assert colour_moments(tmp_path, [Pair('x.png', '')]) == ((250, 100, 7), (0, 0, 0))


def test_no_image_and_a_broken_one_are_refused(tmp_path):
    with pytest.raises(DataError, match='no images in'):
        colour_moments(tmp_path, [])
    (tmp_path / 'x.png').write_bytes(b'x')
    with pytest.raises(DataError, match=r'x.png in .* is no image'):
        colour_moments(tmp_path, [Pair('x.png', '')])


def test_the_tables_give_shares_of_labelled_pixels(camvid_root, tmp_path):
    dataset = camvid.find(camvid_root)
    steps = []
    text = describe(dataset, check(dataset, tmp_path), steps.append)
    assert steps == [1] * 6
    assert 'base size 360x480' in text
    rows = {line.split()[1]: line.split()[2:] for line in text.split('class')[-1].splitlines()[2:]}
    assert len(rows) == 11
    # 24 of the 180 labelled pixels of a frame; void is left out.
    assert rows['sky'] == ['13.333'] * 3
    assert rows['bicyclist'] == ['6.667'] * 3


def test_a_class_that_a_split_lacks_is_dashed(camvid_root, tmp_path):
    Image.fromarray(np.zeros((12, 16), np.uint8)).save(camvid_root / 'valannot' / '0016E5_03.png')
    dataset = camvid.find(camvid_root)
    (car,) = [line for line in describe(dataset, check(dataset, tmp_path)).splitlines() if ' car ' in line]
    assert car.split() == ['8', 'car', '6.667', '-', '6.667']
