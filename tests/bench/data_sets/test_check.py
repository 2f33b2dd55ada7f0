import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from bench.data_sets import camvid, folder, pictures
from bench.data_sets.check import allowed_values, check, spell_ranges
from bench.errors import DataError


@pytest.fixture
def cache(tmp_path):
    return tmp_path / 'cache'


def fault(dataset, cache):
    with pytest.raises(DataError) as caught:
        check(dataset, cache)
    text = str(caught.value)
    assert '\n' not in text
    assert not list(cache.glob('checks/*')), 'a failed check was remembered'
    return text


def save_label(path, values):
    Image.fromarray(np.asarray(values)).save(path)


def test_a_sound_data_set_gives_its_counts(camvid_root, cache):
    manifest = check(camvid.find(camvid_root), cache)
    assert manifest.images == {'train': 3, 'val': 1, 'test': 2}
    # 16 columns of 12 pixels: values 0 to 3 fill two columns, 4 to 10 one, 11 is void.
    assert manifest.class_pixels['val'] == [24] * 4 + [12] * 7
    assert manifest.class_pixels['train'] == [72] * 4 + [36] * 7
    assert len(manifest.sha256) == 64


def test_progress_counts_each_pair_that_is_read(camvid_root, cache):
    dataset, steps = camvid.find(camvid_root), []
    check(dataset, cache, steps.append)
    assert steps == [1] * 6
    check(dataset, cache, steps.append)
    assert len(steps) == 6, 'a remembered result reads nothing'


def test_the_label_map_moves_pixels_to_their_training_class(camvid_root, cache):
    swapped = replace(camvid.find(camvid_root), label_map={11: 255, 0: 10, 10: 10})
    pixels = check(swapped, cache).class_pixels['val']
    assert pixels[0] == 0 and pixels[10] == 24 + 12


def test_a_label_value_outside_the_classes_is_named(camvid_root, cache):
    path = camvid_root / 'trainannot' / '0006R0_02.png'
    save_label(path, np.full((12, 16), 12, np.uint8))
    text = fault(camvid.find(camvid_root), cache)
    assert 'label value 12 in trainannot/0006R0_02.png: allowed are 0..11 and 255 (ignored)' in text
    assert 'more' not in text


def test_void_11_without_a_label_map_is_refused_and_the_others_of_its_kind_are_counted(camvid_root, cache):
    text = fault(replace(camvid.find(camvid_root), label_map={}), cache)
    assert 'label value 11 in trainannot/0006R0_01.png: allowed are 0..10 and 255 (ignored) (5 more files' in text


def test_several_strange_values_in_one_file_are_listed(folder_root, cache):
    save_label(folder_root / 'labels/train/one.png', np.resize(np.array([0, 3, 9, 200, 255], np.uint8), (8, 10)))
    assert 'label value 3 (also 9, 200) in labels/train/one.png: allowed are 0..2 and 255' in fault(
        folder.find(folder_root), cache
    )


def test_a_truncated_image_is_named(camvid_root, cache):
    path = camvid_root / 'test' / 'Seq05VD_2.png'
    path.write_bytes(path.read_bytes()[:-200])
    assert 'test/Seq05VD_2.png cannot be decoded to its end' in fault(camvid.find(camvid_root), cache)


def test_a_truncated_jpeg_is_named(folder_root, cache):
    path = folder_root / 'images' / 'train' / 'one.jpg'
    path.write_bytes(path.read_bytes()[:-40])
    assert 'images/train/one.jpg cannot be decoded to its end' in fault(folder.find(folder_root), cache)


def test_a_truncated_label_is_named(folder_root, cache):
    path = folder_root / 'labels' / 'val' / 'three.png'
    save_label(path, np.random.default_rng(0).integers(0, 3, (20, 6), dtype=np.uint8))
    path.write_bytes(path.read_bytes()[:-30])
    assert 'labels/val/three.png cannot be decoded to its end' in fault(folder.find(folder_root), cache)


@pytest.mark.parametrize(('content', 'words'), [(b'', 'is empty'), (b'not a picture', 'is no image')])
def test_a_file_that_is_no_image_is_named(camvid_root, cache, content, words):
    (camvid_root / 'val' / '0016E5_03.png').write_bytes(content)
    assert f'val/0016E5_03.png {words}' in fault(camvid.find(camvid_root), cache)


@pytest.mark.parametrize(
    ('picture', 'kind'),
    [(np.zeros((12, 16, 3), np.uint8), 'RGB'), (np.zeros((12, 16), np.uint16), 'I;16')],
)
def test_colours_and_16_bits_are_no_labels(camvid_root, cache, picture, kind):
    save_label(camvid_root / 'valannot' / '0016E5_03.png', picture)
    assert f'valannot/0016E5_03.png has pixels of kind {kind}: a label is one channel' in fault(
        camvid.find(camvid_root), cache
    )


def test_a_label_with_a_colour_table_counts_by_its_indices(folder_root, cache):
    values = np.ones((20, 6), np.uint8)
    picture = Image.fromarray(values, mode='L').convert('P')
    picture.putdata(values.ravel().tolist())
    picture.putpalette([9, 9, 9, 200, 0, 0] + [7] * 762)
    picture.save(folder_root / 'labels' / 'val' / 'three.png')
    assert check(folder.find(folder_root), cache).class_pixels['val'] == [0, 120, 0]


def test_sizes_that_differ_are_named(camvid_root, cache):
    save_label(camvid_root / 'valannot' / '0016E5_03.png', np.zeros((16, 12), np.uint8))
    assert 'valannot/0016E5_03.png is 16x12 (HxW), its image val/0016E5_03.png is 12x16: both must be of one size' in (
        fault(camvid.find(camvid_root), cache)
    )


def test_an_image_that_the_camera_marked_as_turned_has_its_upright_size(folder_root, cache):
    """Training turns such images, labels are drawn on the turned ones."""
    exif = Image.Exif()
    exif[pictures.ORIENTATION] = 6
    Image.fromarray(np.zeros((10, 8, 3), np.uint8)).save(folder_root / 'images/train/one.jpg', exif=exif)
    check(folder.find(folder_root), cache)


def test_an_image_without_label_is_named(camvid_root, cache):
    (camvid_root / 'trainannot' / '0006R0_02.png').unlink()
    (camvid_root / 'trainannot' / '0016E5_01.png').unlink()
    text = fault(camvid.find(camvid_root), cache)
    assert 'train/0006R0_02.png has no label: trainannot/0006R0_02.png is missing (1 more file like this)' in text


def test_labels_of_a_lossy_format_are_named(camvid_root, cache):
    label = camvid_root / 'trainannot' / '0006R0_02.png'
    label.rename(label.with_suffix('.jpg'))
    text = fault(camvid.find(camvid_root), cache)
    assert 'trainannot/0006R0_02.jpg is no PNG: such files may change class values; save labels as PNG' in text


def test_a_label_without_image_is_named(camvid_root, cache):
    (camvid_root / 'test' / 'Seq05VD_1.png').unlink()
    assert 'testannot/Seq05VD_1.png has no image: test/Seq05VD_1.png is missing' in fault(
        camvid.find(camvid_root), cache
    )


def test_a_pair_that_vanished_after_it_was_found_is_named(camvid_root, cache):
    dataset = camvid.find(camvid_root)
    shutil.rmtree(camvid_root / 'val')
    shutil.rmtree(camvid_root / 'valannot')
    assert 'val/0016E5_03.png and valannot/0016E5_03.png are missing' in fault(dataset, cache)


def test_two_images_of_one_stem_are_named(folder_root, cache):
    Image.fromarray(np.zeros((8, 10, 3), np.uint8)).save(folder_root / 'images' / 'train' / 'two.bmp')
    assert 'images/train/two.bmp and images/train/two.png share the label labels/train/two.png' in fault(
        folder.find(folder_root), cache
    )


def test_an_empty_split_is_named(camvid_root, cache):
    for name in ('val', 'valannot'):
        for path in (camvid_root / name).iterdir():
            path.unlink()
    assert 'camvid: split val is empty' in fault(camvid.find(camvid_root), cache)


@pytest.mark.skipif(os.geteuid() == 0, reason='the superuser may read every file')
def test_a_file_without_read_permission_is_named(camvid_root, cache):
    (camvid_root / 'val' / '0016E5_03.png').chmod(0)
    assert 'val/0016E5_03.png cannot be read: Permission denied' in fault(camvid.find(camvid_root), cache)


def test_the_manifest_does_not_depend_on_where_the_data_lie(camvid_root, cache, tmp_path):
    here = check(camvid.find(camvid_root), cache)
    shutil.copytree(camvid_root, tmp_path / 'elsewhere')
    assert check(camvid.find(tmp_path / 'elsewhere'), cache) == here


def test_the_manifest_depends_on_every_file(camvid_root, cache):
    hashes = {check(camvid.find(camvid_root), cache).sha256}
    paths = sorted(camvid_root.rglob('*.png'))
    assert len(paths) == 12
    for path in paths:
        # A PNG may carry text after its pixels: other bytes, the same picture.
        path.write_bytes(path.read_bytes() + b'x')
        hashes.add(check(camvid.find(camvid_root), cache).sha256)
    assert len(hashes) == 13


def test_the_manifest_depends_on_each_pixel_name_class_and_mapping(camvid_root, cache):
    dataset = camvid.find(camvid_root)
    hashes = [check(dataset, cache).sha256]
    hashes.append(check(replace(dataset, classes=('heaven', *dataset.classes[1:])), cache).sha256)
    hashes.append(check(replace(dataset, label_map={11: 10}), cache).sha256)
    path = camvid_root / 'test' / 'Seq05VD_1.png'
    pixels = np.array(Image.open(path))
    pixels[0, 0, 0] ^= 1
    Image.fromarray(pixels).save(path)
    hashes.append(check(dataset, cache).sha256)
    for kind in ('val', 'valannot'):
        (camvid_root / kind / '0016E5_03.png').rename(camvid_root / kind / '0016E5_04.png')
    hashes.append(check(camvid.find(camvid_root), cache).sha256)
    assert len(set(hashes)) == 5


def test_the_manifest_is_that_of_another_process(camvid_root, cache, tmp_path):
    program = (
        'import sys; from pathlib import Path; from bench.data_sets import check, find\n'
        'print(check(find("camvid", Path(sys.argv[1])), Path(sys.argv[2])).sha256)'
    )
    command = [sys.executable, '-c', program, str(camvid_root), str(tmp_path / 'cache2')]
    other = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    assert other == check(camvid.find(camvid_root), cache).sha256


@pytest.fixture
def decodings(monkeypatch):
    """Count how often an image is decoded."""
    calls = []
    decode = pictures.check_image
    monkeypatch.setattr(pictures, 'check_image', lambda content: calls.append(1) or decode(content))
    return calls


def test_an_unchanged_data_set_is_not_decoded_again(camvid_root, cache, decodings):
    first = check(camvid.find(camvid_root), cache)
    assert len(decodings) == 6
    assert check(camvid.find(camvid_root), cache) == first
    assert len(decodings) == 6


def test_a_touched_file_is_decoded_again(camvid_root, cache, decodings):
    check(camvid.find(camvid_root), cache)
    status = (camvid_root / 'val' / '0016E5_03.png').stat()
    os.utime(camvid_root / 'val' / '0016E5_03.png', ns=(status.st_atime_ns, status.st_mtime_ns + 1))
    check(camvid.find(camvid_root), cache)
    assert len(decodings) == 12


@pytest.mark.parametrize('damage', ['', '{"sha', '[]', '{"sha256": 3}', 'null', 'counts', 'hash'])
def test_a_damaged_memory_is_ignored_and_repaired(camvid_root, cache, decodings, damage):
    dataset = camvid.find(camvid_root)
    manifest = check(dataset, cache)
    (store,) = cache.glob('checks/*.json')
    stored = json.loads(store.read_text())
    if damage == 'counts':
        stored['images']['train'] = 2
        damage = json.dumps(stored)
    elif damage == 'hash':
        stored['sha256'] = 'abcd'
        damage = json.dumps(stored)
    store.write_text(damage)
    assert check(dataset, cache) == manifest
    assert len(decodings) == 12
    check(dataset, cache)
    assert len(decodings) == 12


def test_a_cache_that_cannot_be_written_does_no_harm(camvid_root, tmp_path):
    (tmp_path / 'file').write_text('in the way')
    assert check(camvid.find(camvid_root), tmp_path / 'file').images['train'] == 3


def test_allowed_values_are_classes_mapped_ones_and_void(camvid_root):
    dataset = camvid.find(camvid_root)
    assert allowed_values(dataset) == {*range(12), 255}
    assert allowed_values(replace(dataset, label_map={30: 1})) == {*range(11), 30, 255}


@pytest.mark.parametrize(
    ('values', 'text'), [([0, 1, 2, 3], '0..3'), ([7], '7'), ([0, 1, 5, 9, 8], '0..1, 5, 8..9'), ([], '')]
)
def test_ranges_are_spelled_shortly(values, text):
    assert spell_ranges(values) == text


def test_a_split_without_a_labelled_pixel_is_refused_before_anything_is_trained(folder_root, cache):
    """All of it is ignored: after a training its score would be no number."""
    save_label(folder_root / 'labels' / 'val' / 'three.png', np.full((20, 6), 255, np.uint8))
    assert 'no pixel of split val is labelled' in fault(folder.find(folder_root), cache)
