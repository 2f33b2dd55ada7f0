from pathlib import Path

import pytest

from bench import data_sets
from bench.data_sets import cityscapes, cityscapes19
from bench.data_sets.check import check
from bench.errors import DataError
from bench.records import Pair

NAMES = ('cityscapes19', 'cityscapes20', 'cityscapes29')


@pytest.mark.parametrize('name', NAMES)
def test_the_official_layout_is_found(name, cityscapes_root):
    dataset = data_sets.find(name, cityscapes_root)
    assert dataset.name == name
    assert {split: len(pairs) for split, pairs in dataset.splits.items()} == {'train': 3, 'val': 1}
    assert dataset.test_split == 'val'
    assert dataset.splits['train'][2] == Pair(
        'leftImg8bit/train/bochum/bochum_000000_000313_leftImg8bit.png',
        'gtFine/train/bochum/bochum_000000_000313_gtFine_labelIds.png',
    )
    assert not dataset.redistributable
    assert len(dataset.classes) == len(dataset.palette) == len(set(dataset.palette)) == int(name[-2:])


@pytest.mark.parametrize('name', NAMES)
def test_each_label_set_passes_the_check_with_every_id(name, cityscapes_root, tmp_path):
    """Each of the 34 ids is in each label once, so that a class's pixels are the ids that were merged into it."""
    dataset = data_sets.find(name, cityscapes_root)
    pixels = check(dataset, tmp_path / 'cache').class_pixels
    merged = [list(dataset.label_map.values()).count(k) for k in range(len(dataset.classes))]
    assert pixels == {'train': [3 * count for count in merged], 'val': merged}
    assert sum(merged) == {'cityscapes19': 19, 'cityscapes20': 34, 'cityscapes29': 34}[name]


@pytest.mark.parametrize('name', NAMES)
def test_every_class_is_made_from_some_id(name, cityscapes_root):
    dataset = data_sets.find(name, cityscapes_root)
    assert set(dataset.label_map) == set(range(34))
    assert set(dataset.label_map.values()) - {255} == set(range(len(dataset.classes)))


def test_an_image_without_label_and_a_label_without_image_are_listed_for_the_check(cityscapes_root, tmp_path):
    dataset = data_sets.find('cityscapes19', cityscapes_root)
    first, second = dataset.splits['train'][:2]
    (cityscapes_root / first.label).unlink()
    (cityscapes_root / second.image).unlink()
    again = data_sets.find('cityscapes19', cityscapes_root)
    assert again.splits == dataset.splits
    with pytest.raises(DataError, match=r'aachen_000000_000019_leftImg8bit.png has no label: gtFine/train/aachen'):
        check(again, tmp_path)


def test_the_blank_labels_of_the_test_images_are_not_listed(cityscapes_root):
    for kind, end in (('leftImg8bit', '_leftImg8bit.png'), ('gtFine', '_gtFine_labelIds.png')):
        folder = cityscapes_root / kind / 'test' / 'berlin'
        folder.mkdir(parents=True)
        (folder / f'berlin_000000_000019{end}').write_bytes(b'x')
    assert list(data_sets.find('cityscapes19', cityscapes_root).splits) == ['train', 'val']


def test_hidden_files_and_other_label_files_are_left_alone(cityscapes_root):
    (cityscapes_root / 'gtFine/train/aachen/aachen_000009_000019_gtFine_instanceIds.png').write_bytes(b'x')
    (cityscapes_root / 'leftImg8bit/train/aachen/._aachen_000000_000019_leftImg8bit.png').write_bytes(b'x')
    assert len(data_sets.find('cityscapes19', cityscapes_root).splits['train']) == 3


def test_an_incomplete_copy_is_noted(cityscapes_root, monkeypatch):
    note = data_sets.find('cityscapes19', cityscapes_root).note
    assert note.startswith('incomplete: 3 of 2975 train images, 1 of 500 val images; scored on val')
    monkeypatch.setattr(cityscapes, 'OFFICIAL', {'train': 3, 'val': 1})
    assert data_sets.find('cityscapes19', cityscapes_root).note.startswith('scored on val')


def test_missing_parts_and_class_files_are_named(cityscapes_root):
    with pytest.raises(DataError, match=r'cityscapes19 needs its folder: --data-root DIR; `data.py cityscapes19`'):
        cityscapes19.find()
    with pytest.raises(DataError, match=r'class file \(x.txt\) does not go with cityscapes19: its 19 classes'):
        cityscapes19.find(cityscapes_root, Path('x.txt'))
    (cityscapes_root / 'gtFine' / 'val').rename(cityscapes_root / 'gone')
    with pytest.raises(DataError, match=r'no Cityscapes in .*cityscapes: gtFine/val missing of leftImg8bit/train, '):
        cityscapes19.find(cityscapes_root)


def test_the_sequence_is_city_and_number():
    image = 'leftImg8bit/val/frankfurt/frankfurt_000001_000294_leftImg8bit.png'
    assert data_sets.sequence('cityscapes20', image) == 'frankfurt_000001'
