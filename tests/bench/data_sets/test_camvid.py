import os
from pathlib import Path

import pytest

from bench.data_sets import camvid
from bench.data_sets.check import check
from bench.errors import DataError
from bench.records import Pair


def test_layout_classes_and_void(camvid_root):
    dataset = camvid.find(camvid_root)
    assert len(dataset.classes) == len(dataset.palette) == len(set(dataset.palette)) == 11
    assert (dataset.classes[0], dataset.classes[8], dataset.classes[10]) == ('sky', 'car', 'bicyclist')
    assert dataset.label_map == {11: 255}
    assert dataset.base_size == (360, 480)
    assert dataset.test_split == 'test'
    assert not dataset.redistributable
    assert dataset.splits['train'][0] == Pair('train/0006R0_01.png', 'trainannot/0006R0_01.png')
    assert {split: len(pairs) for split, pairs in dataset.splits.items()} == {'train': 3, 'val': 1, 'test': 2}


def test_jpeg_frames_are_paired_with_png_labels(camvid_root):
    for path in (camvid_root / 'train').iterdir():
        path.rename(path.with_suffix('.jpg'))
    assert camvid.find(camvid_root).splits['train'][2] == Pair('train/0016E5_01.jpg', 'trainannot/0016E5_01.png')


def test_without_a_root_the_error_says_where_to_get_the_data():
    with pytest.raises(DataError, match=r'--data-root DIR; `data.py camvid` says how to get it'):
        camvid.find(None)


def test_missing_folders_are_named(camvid_root):
    (camvid_root / 'valannot').rename(camvid_root / 'gone')
    with pytest.raises(DataError, match=r'no CamVid in .*camvid: valannot/ missing of train/ .*`data.py camvid`'):
        camvid.find(camvid_root)


def test_a_class_file_is_refused(camvid_root):
    with pytest.raises(DataError, match=r'class file \(x.txt\) does not go with camvid: its 11 classes are fixed'):
        camvid.find(camvid_root, Path('x.txt'))


@pytest.mark.parametrize(
    ('image', 'drive'), [('train/0001TP_006690.png', '0001TP'), ('test/Seq05VD_f00000.jpg', 'Seq05VD')]
)
def test_the_sequence_is_the_prefix(image, drive):
    assert camvid.sequence(image) == drive


def real_root() -> Path | None:
    beside = Path(__file__).resolve().parents[4] / 'shared' / 'data' / 'camvid'
    root = Path(os.environ.get('SEGREPRO_CAMVID', beside))
    return root if root.is_dir() else None


@pytest.mark.skipif(real_root() is None, reason='CamVid is not here: set SEGREPRO_CAMVID to its folder')
def test_the_real_camvid_is_sound(tmp_path):
    dataset = camvid.find(real_root())
    manifest = check(dataset, tmp_path)
    assert manifest.images == {'train': 367, 'val': 101, 'test': 233}
    assert all(all(row) for row in manifest.class_pixels.values())
    assert {camvid.sequence(pair.image) for pair in dataset.splits['test']} == {'0001TP', 'Seq05VD'}
    assert check(dataset, tmp_path) == manifest
