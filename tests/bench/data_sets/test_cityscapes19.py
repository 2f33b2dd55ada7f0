from bench.data_sets import cityscapes19
from bench.data_sets.street import classes as street


def test_classes_and_colours_are_those_of_two_other_listings(metainfo):
    listed = metainfo('cityscapes')
    assert cityscapes19.CLASSES == listed['classes'] == street.NAMES
    assert cityscapes19.PALETTE == tuple(map(tuple, listed['palette'])) == street.PALETTE


def test_ids_in_the_order_of_the_training_ids():
    used = sorted((value, stored) for stored, value in cityscapes19.LABEL_MAP.items() if value != 255)
    assert [stored for _, stored in used] == [7, 8, 11, 12, 13, 17, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 31, 32, 33]
    assert [value for value, _ in used] == list(range(19))


def test_the_other_fifteen_ids_are_ignored():
    ignored = [stored for stored, value in cityscapes19.LABEL_MAP.items() if value == 255]
    assert ignored == [0, 1, 2, 3, 4, 5, 6, 9, 10, 14, 15, 16, 18, 29, 30]


def test_the_base_size_fits_every_stride():
    assert cityscapes19.BASE_SIZE == (512, 1024)
