import pytest

from bench import sizes


def test_a_crop_on_its_own_data_set_is_the_documented_one():
    assert sizes.crop_size((256, 256), short_side=375, image=(375, 500), stride=64) == (256, 256)


@pytest.mark.parametrize('image', [(180, 240), (360, 480), (1024, 2048)])
@pytest.mark.parametrize('stride', [1, 16, 64])
def test_a_crop_covers_the_same_share_of_the_short_side(image, stride):
    height, width = sizes.crop_size((513, 513), short_side=513, image=image, stride=stride)
    assert height == width
    assert height % stride == 0
    assert abs(height - min(image)) <= stride / 2


def test_a_crop_never_falls_below_64_pixels():
    assert sizes.crop_size((128, 128), short_side=375, image=(96, 128), stride=16) == (64, 64)
    assert sizes.crop_size((128, 128), short_side=375, image=(96, 128), stride=48) == (96, 96)


def test_progressive_sizes_keep_their_ratios():
    made = [sizes.crop_size((h, 2 * h), 512, (512, 1024), 16)[0] for h in (128, 256, 512)]
    assert made == [128, 256, 512]


@pytest.mark.parametrize(
    ('text', 'reason'), [('360', 'HEIGHTxWIDTH'), ('ax2', 'HEIGHTxWIDTH'), ('32x480', 'at least 64')]
)
def test_a_bad_size_is_refused_with_the_rule(text, reason):
    with pytest.raises(ValueError, match=reason):
        sizes.parse_size(text)


def test_a_size_is_height_by_width():
    assert sizes.parse_size('180x240') == (180, 240)
    assert sizes.parse_size('180X240') == (180, 240)


@pytest.mark.parametrize(('base', 'expected'), [((360, 480), (96, 128)), ((256, 512), (96, 192)), ((64, 64), (64, 64))])
def test_smoke_size_is_small_and_keeps_the_ratio(base, expected):
    assert sizes.smoke_size(base) == expected
