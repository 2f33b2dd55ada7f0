import numpy as np
import pytest
from PIL import Image

from bench.data_sets import folder
from bench.errors import DataError
from bench.records import Pair


def test_layout_classes_and_median_size(folder_root):
    dataset = folder.find(folder_root)
    assert dataset.classes == ('a', 'b', 'c')
    assert dataset.splits == {
        'train': (
            Pair('images/train/one.jpg', 'labels/train/one.png'),
            Pair('images/train/two.png', 'labels/train/two.png'),
        ),
        'val': (Pair('images/val/three.png', 'labels/val/three.png'),),
    }
    assert dataset.test_split == 'val'
    assert dataset.base_size == (8, 10)
    assert not dataset.label_map


def test_a_test_split_is_taken_where_there_is_one(folder_root):
    (folder_root / 'images' / 'val').rename(folder_root / 'images' / 'test')
    (folder_root / 'labels' / 'val').rename(folder_root / 'labels' / 'test')
    (folder_root / 'images' / 'val').mkdir()
    (folder_root / 'labels' / 'val').mkdir()
    dataset = folder.find(folder_root)
    assert list(dataset.splits) == ['train', 'val', 'test']
    assert dataset.test_split == 'test'


def test_hidden_and_foreign_files_are_no_images(folder_root):
    (folder_root / 'images' / 'train' / '._one.jpg').write_bytes(b'x')
    (folder_root / 'images' / 'train' / 'notes.txt').write_text('x')
    (folder_root / 'images' / 'train' / 'four.JPG').write_bytes(b'x')
    images = [pair.image for pair in folder.find(folder_root).splits['train']]
    assert images == ['images/train/four.JPG', 'images/train/one.jpg', 'images/train/two.png']


@pytest.mark.parametrize('kind', ['images', 'labels'])
def test_files_in_deeper_folders_are_refused_by_name(folder_root, kind):
    deeper = folder_root / kind / 'train' / 'drive 2'
    deeper.mkdir()
    (deeper / 'notes.txt').touch()
    folder.find(folder_root)
    (deeper / 'a.png').touch()
    with pytest.raises(DataError, match=f'{kind}/train/drive 2 holds a.png: .* into {kind}/train'):
        folder.find(folder_root)


def test_a_class_file_elsewhere_is_read(folder_root, tmp_path):
    (tmp_path / 'names').write_text('road\nnot road\n', encoding='utf-8-sig')
    assert folder.find(folder_root, tmp_path / 'names').classes == ('road', 'not road')


@pytest.mark.parametrize(
    ('text', 'message'),
    [
        ('a\n\nb\n', r'line 2 is empty: each line names the class of label value 1'),
        ('# mine\na\nb\n', r"line 1: '# mine' would be the class of label value 0; no comments"),
        ('a\nb\na\n', r"line 3 repeats 'a' of line 1"),
        ('a\n', r'names 1 classes: 2 to 255 are possible'),
        ('\n'.join(map(str, range(256))), r'names 256 classes: 2 to 255'),
    ],
)
def test_a_class_file_that_breaks_a_rule_is_refused(tmp_path, text, message):
    (tmp_path / 'classes.txt').write_text(text)
    with pytest.raises(DataError, match=message):
        folder.read_classes(tmp_path / 'classes.txt')


def test_a_missing_or_binary_class_file_is_refused(tmp_path):
    with pytest.raises(DataError, match=r'cannot read the class file .*: No such file .*; write one class name a line'):
        folder.read_classes(tmp_path / 'none.txt')
    (tmp_path / 'binary').write_bytes(b'\xff\xfe\x00road')
    with pytest.raises(DataError, match=r'binary: not UTF-8 text'):
        folder.read_classes(tmp_path / 'binary')


def test_missing_parts_are_named(folder_root):
    with pytest.raises(DataError, match=r'--data-root DIR with images/<split>/\*'):
        folder.find(None)
    (folder_root / 'labels' / 'val').rename(folder_root / 'elsewhere')
    with pytest.raises(DataError, match=r'no data set in .*own: labels/val missing; needed are images/train'):
        folder.find(folder_root)


def test_a_folder_of_broken_images_has_no_size(folder_root):
    for path in (folder_root / 'images').glob('*/*'):
        path.write_bytes(b'x')
    with pytest.raises(DataError, match=r'no readable image below .*images: 3 files were looked at'):
        folder.find(folder_root)


def test_the_base_size_is_the_median_of_each_side(folder_root):
    for k, size in enumerate([(30, 11), (32, 50)]):
        Image.fromarray(np.zeros((*size, 3), np.uint8)).save(folder_root / 'images' / 'train' / f'more{k}.png')
    # Heights 8, 8, 20, 30, 32; widths 6, 10, 10, 11, 50.
    assert folder.find(folder_root).base_size == (20, 10)


@pytest.mark.parametrize('count', [2, 8, 19, 150, 255])
def test_colours_differ_and_stay(count):
    colours = folder.distinct_colours(count)
    assert len(set(colours)) == len(colours) == count
    assert all(0 <= value <= 255 for colour in colours for value in colour)
    assert folder.distinct_colours(255)[:count] == colours


def test_frames_that_are_named_after_their_recording_count_as_one():
    names = ('images/test/drive__0001.png', 'images/test/drive__0002.png', 'images/test/a_b.png', 'images/test/a_c.png')
    assert [folder.sequence(name) for name in names] == ['drive', 'drive', 'a_b', 'a_c']
