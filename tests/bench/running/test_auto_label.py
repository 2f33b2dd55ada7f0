from pathlib import Path

import numpy as np
import pytest

from bench.errors import PlanError
from bench.records import DataSet, Pair
from bench.running import auto_label


def dataset(label_map=(), splits=('train', 'val', 'test'), unlabelled=()):
    pairs = {split: (Pair(f'{split}/0.png', f'{split}/0_l.png'),) for split in splits}
    return DataSet(
        'd', Path('.'), ('a', 'b', 'c'), ((0, 0, 0),) * 3, (64, 64), pairs, dict(label_map), unlabelled=unlabelled
    )


@pytest.mark.parametrize(
    'label_map',
    [{}, {11: 255}, {7: 0, 8: 1, 11: 2, **dict.fromkeys((0, 1, 2, 3), 255)}, {0: 2, 2: 0}, {5: 0, 6: 0, 9: 1}],
    ids=['none', 'one ignored', 'ids', 'swapped', 'merged'],
)
def test_written_values_are_read_back_as_the_classes_they_stand_for(label_map):
    made = dataset(label_map)
    table = auto_label.stored_values(made)
    for value in (0, 1, 2, 255):
        stored = int(table[value])
        assert label_map.get(stored, stored) == value


def test_images_without_public_labels_come_first():
    assert auto_label.images_of(dataset(unlabelled=('x.png', 'y.png')), 'test') == ['x.png', 'y.png']
    assert auto_label.images_of(dataset(), 'test') == ['test/0.png']
    assert auto_label.images_of(dataset(splits=('train', 'val')), 'test') == ['val/0.png']


def test_a_limit_spreads_over_all_images():
    made = dataset(unlabelled=tuple(f'{index}.png' for index in range(9)))
    assert auto_label.images_of(made, 'test', 3) == ['0.png', '4.png', '8.png']
    assert len(auto_label.images_of(made, 'test', 20)) == 9


def test_a_split_that_is_not_there_names_those_that_are():
    with pytest.raises(PlanError, match="d has no split 'extra' to label: choose from train, val, test"):
        auto_label.images_of(dataset(), 'extra')


def test_ignored_pixels_are_not_counted_as_kept(tmp_path):
    from PIL import Image

    Image.fromarray(np.array([[0, 1], [11, 255]], np.uint8)).save(tmp_path / 'label.png')
    assert auto_label.kept_share(tmp_path / 'label.png', dataset({11: 255})) == 0.5
