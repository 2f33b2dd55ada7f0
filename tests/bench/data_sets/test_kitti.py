from pathlib import Path
from random import Random

import pytest

from bench.data_sets import cityscapes19, kitti
from bench.data_sets.check import check
from bench.errors import DataError
from bench.records import Pair


def test_the_recorded_split_is_the_seeded_draw():
    assert tuple(sorted(Random(kitti.SEED).sample(range(200), 50))) == kitti.TEST_FRAMES


def test_150_train_50_test_and_no_image_in_both(kitti_root):
    splits = kitti.find(kitti_root).splits
    assert list(splits) == ['train', 'test']
    train, test = (set(splits[name]) for name in ('train', 'test'))
    assert (len(train), len(test), len(train | test)) == (150, 50, 200)
    assert Pair('training/image_2/000002_10.png', 'training/semantic/000002_10.png') in test
    assert splits['train'][0] == Pair('training/image_2/000001_10.png', 'training/semantic/000001_10.png')


def test_labels_are_cityscapes_ids_read_as_19_classes(kitti_root, tmp_path):
    dataset = kitti.find(kitti_root)
    assert (dataset.classes, dataset.label_map) == (cityscapes19.CLASSES, cityscapes19.LABEL_MAP)
    assert (dataset.base_size, dataset.test_split, dataset.redistributable) == ((375, 1242), 'test', False)
    manifest = check(dataset, tmp_path / 'cache')
    assert manifest.images == {'train': 150, 'test': 50}
    assert manifest.class_pixels == {'train': [150] * 19, 'test': [50] * 19}


def test_a_missing_image_is_found_by_the_check_and_the_split_stays(kitti_root, tmp_path):
    before = kitti.find(kitti_root).splits
    (kitti_root / 'training/semantic/000005_10.png').unlink()
    (kitti_root / 'training/image_2/000000_11.png').write_bytes(b'the second frame of a flow pair')
    dataset = kitti.find(kitti_root)
    assert dataset.splits == before
    with pytest.raises(DataError, match=r'000005_10.png has no label: training/semantic/000005_10.png is missing'):
        check(dataset, tmp_path / 'cache')


def test_missing_parts_and_class_files_are_named(tmp_path):
    with pytest.raises(DataError, match=r'--data-root DIR; `data.py kitti` says how to get it'):
        kitti.find()
    with pytest.raises(DataError, match=r'class file \(x.txt\) does not go with kitti: its 19 classes are fixed'):
        kitti.find(tmp_path, Path('x.txt'))
    (tmp_path / 'training' / 'image_2').mkdir(parents=True)
    with pytest.raises(DataError, match=r'no KITTI semantics in .*: training/semantic missing of training/image_2'):
        kitti.find(tmp_path)
