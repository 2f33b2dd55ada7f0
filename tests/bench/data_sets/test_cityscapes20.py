from bench.data_sets import cityscapes20

REPORTED = (
    'road', 'sidewalk', 'parking', 'building', 'fence', 'wall', 'vegetation', 'terrain', 'car', 'bicycle', 'bus',
    'truck', 'sky', 'person', 'pole', 'traffic sign', 'static', 'ground', 'dynamic',
)  # fmt: skip
REPORTED_IDS = (7, 8, 9, 11, 13, 12, 21, 22, 26, 33, 28, 27, 23, 24, 17, 20, 4, 6, 5)


def test_unknown_comes_first_and_the_rest_in_the_reports_order():
    assert ('unknown', *REPORTED) == cityscapes20.CLASSES


def test_every_other_id_is_unknown_and_none_is_ignored():
    expected = {stored: value for value, stored in enumerate(REPORTED_IDS, start=1)}
    assert {stored: expected.get(stored, 0) for stored in range(34)} == cityscapes20.LABEL_MAP


def test_unknown_and_static_can_be_told_apart():
    assert cityscapes20.PALETTE[0] == (255, 255, 255)
    assert cityscapes20.PALETTE[cityscapes20.CLASSES.index('static')] == (0, 0, 0)


def test_the_base_size_is_half_of_the_photographs():
    assert cityscapes20.BASE_SIZE == (512, 1024)
