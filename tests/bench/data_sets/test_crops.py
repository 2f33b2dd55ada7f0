from dataclasses import replace

import cv2
import numpy as np
import pytest
from PIL import Image

from bench.data_sets import camvid, crops, folder
from bench.data_sets.check import check
from bench.data_sets.crops import Recipe, angles, corners, cut, rotated
from bench.errors import DataError
from bench.records import Pair

RECIPE = Recipe(size=(6, 8), rotations=1, seed=3)


def read(path):
    return np.asarray(Image.open(path))


def written(root):
    return {path.relative_to(root).as_posix(): path.stat().st_mtime_ns for path in root.rglob('*') if path.is_file()}


def test_five_crops_reach_all_borders():
    places = corners((375, 500), (256, 256))
    assert list(places) == ['top_left', 'top_right', 'bottom_left', 'bottom_right', 'centre']
    covered = np.zeros((375, 500), bool)
    for top, left in places.values():
        covered[top : top + 256, left : left + 256] = True
    assert covered[[0, 0, -1, -1], [0, -1, 0, -1]].all()
    assert covered.mean() > 0.99


def test_900_photographs_give_4500_crops_and_5400_with_a_rotation():
    counts = [900 * len(crops.names(Recipe(rotations=k), 'train', 'x')) for k in (0, 1)]
    assert counts == [4500, 5400]


def test_an_image_smaller_than_the_crop_is_padded_and_the_padding_ignored():
    assert set(corners((3, 4), (6, 8)).values()) == {(0, 0)}
    padded = cut(np.ones((3, 4), np.uint8), (0, 0), (6, 8), 255)
    assert padded.shape == (6, 8)
    assert (padded[:3, :4] == 1).all()
    assert (padded == 255).sum() == 48 - 12


def test_no_rotation_changes_nothing_and_half_a_turn_reverses():
    image = np.random.default_rng(0).integers(0, 256, (7, 9, 3), dtype=np.uint8)
    label = np.arange(63, dtype=np.uint8).reshape(7, 9)
    for degrees, (expected_image, expected_label) in {
        0.0: (image, label),
        180.0: (image[::-1, ::-1], label[::-1, ::-1]),
    }.items():
        turned = rotated(image, label, degrees, 255)
        np.testing.assert_array_equal(turned[0], expected_image)
        np.testing.assert_array_equal(turned[1], expected_label)


def test_image_and_label_turn_together_and_outside_is_black_and_ignored():
    label = np.zeros((41, 41), np.uint8)
    label[8:20, 10:33] = 200
    turned_image, turned_label = rotated(np.dstack([label] * 3), label, 30.0, 255)
    inside = turned_label != 255
    agree = np.abs(turned_image[..., 0].astype(int) - turned_label) < 100
    assert agree[inside].mean() > 0.97
    assert set(np.unique(turned_label)) == {0, 200, 255}
    assert (turned_label[[0, 0, -1, -1], [0, -1, 0, -1]] == 255).all()
    assert (turned_image[[0, 0, -1, -1], [0, -1, 0, -1]] == 0).all()


def test_angles_are_bounded_differ_and_stay():
    many = [angles(Recipe(rotations=2), f'photo{k}') for k in range(200)]
    flat = np.ravel(many)
    assert (np.abs(flat) <= 30).all() and np.abs(flat).max() > 28 and abs(flat.mean()) < 4
    assert len(set(flat.tolist())) == 400
    assert angles(Recipe(rotations=2), 'photo7') == many[7]
    assert angles(Recipe(rotations=2, seed=1), 'photo7') != many[7]


@pytest.fixture
def frames(camvid_root):
    return camvid.find(camvid_root)


def test_the_crops_are_a_sound_folder_data_set(frames, tmp_path):
    steps = []
    made = crops.write(frames, 'abc', tmp_path / 'out', RECIPE, steps.append)
    assert made == {'train': 18, 'val': 1, 'test': 2}
    assert sum(steps) == 6
    again = folder.find(tmp_path / 'out')
    assert again.classes == frames.classes
    assert check(again, tmp_path / 'cache').images == made
    assert again.base_size == RECIPE.size


def test_pixels_are_those_of_the_source_and_labels_are_training_values(frames, tmp_path):
    crops.write(frames, 'abc', tmp_path / 'out', RECIPE)
    image = read(frames.root / 'train' / '0016E5_01.png')
    label = read(frames.root / 'trainannot' / '0016E5_01.png')
    for place, (top, left) in {'bottom_right': (6, 8), 'centre': (3, 4), 'top_left': (0, 0)}.items():
        window = (slice(top, top + 6), slice(left, left + 8))
        np.testing.assert_array_equal(
            read(tmp_path / 'out' / 'images' / 'train' / f'0016E5_01_{place}.png'), image[window]
        )
        stored = read(tmp_path / 'out' / 'labels' / 'train' / f'0016E5_01_{place}.png')
        np.testing.assert_array_equal(stored, np.where(label[window] == 11, 255, label[window]))


def test_a_camera_s_rotation_is_applied_as_in_training(frames, tmp_path):
    """The image is stored lying and noted as standing; its label stands."""
    pixels = np.random.default_rng(5).integers(0, 256, (12, 16, 3), dtype=np.uint8)
    exif = Image.Exif()
    exif[0x0112] = 6
    path = frames.root / 'val' / '0016E5_03.png'
    Image.fromarray(np.rot90(pixels).copy()).save(path, exif=exif)
    upright = cv2.imread(str(path))[..., ::-1]
    assert upright.shape == (12, 16, 3)
    crops.write(frames, 'abc', tmp_path / 'out', RECIPE)
    np.testing.assert_array_equal(read(tmp_path / 'out/images/val/0016E5_03_centre.png'), upright[3:9, 4:12])


def test_an_interrupted_cutting_continues_and_ends_the_same(frames, tmp_path, monkeypatch):
    crops.write(frames, 'abc', tmp_path / 'whole', RECIPE)
    save, saved = crops._save, []

    def interrupt(path, picture):
        if len(saved) == 41:
            raise KeyboardInterrupt
        saved.append(path)
        save(path, picture)

    monkeypatch.setattr(crops, '_save', interrupt)
    with pytest.raises(KeyboardInterrupt):
        crops.write(frames, 'abc', tmp_path / 'out', RECIPE)
    # The class file is written last; whether each folder is there by now hangs on which pictures came first.
    with pytest.raises(DataError, match=r'cannot read the class file|labels/val missing'):
        folder.find(tmp_path / 'out')
    monkeypatch.setattr(crops, '_save', save)
    crops.write(frames, 'abc', tmp_path / 'out', RECIPE)
    assert written(tmp_path / 'out').keys() == written(tmp_path / 'whole').keys()
    for name in written(tmp_path / 'whole'):
        assert (tmp_path / 'out' / name).read_bytes() == (tmp_path / 'whole' / name).read_bytes(), name


def test_what_is_there_is_not_cut_again(frames, tmp_path, monkeypatch):
    crops.write(frames, 'abc', tmp_path / 'out', RECIPE)
    monkeypatch.setattr(crops, '_read', lambda *_: pytest.fail('a photograph was read again'))
    assert crops.write(frames, 'abc', tmp_path / 'out', RECIPE)['train'] == 18


@pytest.mark.parametrize(
    ('manifest', 'recipe'), [('other', RECIPE), ('abc', replace(RECIPE, size=(5, 5))), ('abc', replace(RECIPE, seed=4))]
)
def test_crops_of_two_kinds_do_not_mix(frames, tmp_path, manifest, recipe):
    crops.write(frames, 'abc', tmp_path / 'out', RECIPE)
    with pytest.raises(DataError, match=r'out holds crops that were made otherwise \(.*crops.json says how\): name an'):
        crops.write(frames, manifest, tmp_path / 'out', recipe)


def test_a_folder_with_other_files_is_refused(frames, tmp_path):
    (tmp_path / 'thesis.tex').write_text('x')
    with pytest.raises(DataError, match=r'is not empty and holds no crops: name a new or an empty folder'):
        crops.write(frames, 'abc', tmp_path, RECIPE)
    with pytest.raises(DataError, match=r'cannot write crops to .*thesis.tex/out: Not a directory'):
        crops.write(frames, 'abc', tmp_path / 'thesis.tex' / 'out', RECIPE)


def test_photographs_that_share_a_name_are_refused(frames, tmp_path):
    twice = (Pair('a/x.png', 'a/y.png'), Pair('b/x.png', 'b/y.png'))
    with pytest.raises(DataError, match=r'2 images of camvid \(val\) are called x: crops need different names'):
        crops.write(replace(frames, splits={**frames.splits, 'val': twice}), 'abc', tmp_path, RECIPE)


def test_without_a_val_split_test_takes_its_place(frames, tmp_path):
    two = replace(frames, splits={split: frames.splits[split] for split in ('train', 'test')})
    assert crops.write(two, 'abc', tmp_path / 'out', RECIPE) == {'train': 18, 'val': 2}
    assert list(folder.find(tmp_path / 'out').splits) == ['train', 'val']
