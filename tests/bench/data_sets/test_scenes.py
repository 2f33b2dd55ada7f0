import subprocess
import sys

import cv2
import numpy as np
import pytest

from bench import environment, forks
from bench.data_sets import scenes
from bench.data_sets.check import check
from bench.errors import DataError

FEW = {'train': 2, 'val': 1, 'test': 1}


@pytest.fixture(scope='module')
def rendered():
    """The first sixteen scenes of train and test, (image, label) each."""
    return {split: [scenes.render(split, k) for k in range(16)] for split in ('train', 'test')}


def content(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob('*.png'))}


@pytest.mark.parametrize('split', ['train', 'test'])
def test_every_class_appears_often_enough_to_learn(rendered, split):
    pixels = np.bincount(np.concatenate([label.ravel() for _, label in rendered[split]]), minlength=256)
    present = {scenes.street_classes.NAMES[c]: int(pixels[c]) for c in range(19)}
    assert len(present) == 19
    assert min(present.values()) > 200, present
    assert pixels[19:255].sum() == 0
    assert 0 < pixels[255] < 0.05 * pixels.sum()


def test_classes_are_as_unequal_as_in_a_street(rendered):
    pixels = np.bincount(np.concatenate([label.ravel() for _, label in rendered['train']]), minlength=256)[:19]
    share = dict(zip(scenes.street_classes.NAMES, pixels / pixels.sum(), strict=True))
    assert share['road'] > 0.25 and share['building'] > 0.1 and share['vegetation'] > 0.05
    assert all(share[name] < 0.03 for name in ('traffic light', 'traffic sign', 'pole', 'motorcycle', 'wall', 'fence'))


def test_scenes_have_no_two_alike_and_real_contrast(rendered):
    images = [image for pairs in rendered.values() for image, _ in pairs]
    assert len({image.tobytes() for image in images}) == 32
    for image, label in rendered['train']:
        assert image.shape == (*scenes.SIZE, 3) and label.shape == scenes.SIZE
        assert image.dtype == label.dtype == np.uint8
        assert image.std() > 15
        assert len(np.unique(label)) >= 8


def test_colour_alone_does_not_tell_the_classes(rendered):
    """Give each coarse colour its commonest class in train: on test this must be far from perfect, yet not noise."""
    table = np.zeros((4096, 256), np.int64)
    for image, label in rendered['train']:
        np.add.at(table, (coarse(image), label), 1)
    guess = table.argmax(axis=1)
    right = np.mean([(guess[coarse(image)] == label)[label != 255].mean() for image, label in rendered['test']])
    assert 0.3 < right < 0.75


def coarse(image):
    red, green, blue = (image[..., c].astype(int) // 16 for c in range(3))
    return (red * 16 + green) * 16 + blue


def test_a_scene_depends_on_split_and_number_alone(rendered):
    for split, number in (('test', 5), ('train', 9)):
        image, label = scenes.render(split, number)
        assert np.array_equal(image, rendered[split][number][0])
        assert np.array_equal(label, rendered[split][number][1])


def test_another_process_writes_the_same_bytes(tmp_path):
    scenes.write(tmp_path / 'here', FEW)
    program = (
        'import sys; from pathlib import Path; from bench.data_sets import scenes\n'
        f'scenes.write(Path(sys.argv[1]), {FEW})'
    )
    subprocess.run([sys.executable, '-c', program, str(tmp_path / 'there')], check=True)
    assert len(content(tmp_path / 'here')) == 8
    assert content(tmp_path / 'here') == content(tmp_path / 'there')


@pytest.mark.parametrize('forked', [True, False])
def test_files_hold_what_was_rendered(tmp_path, monkeypatch, rendered, forked):
    monkeypatch.setattr(environment, 'usable_cpus', lambda: 2)
    if forked and not forks.may_share_work():
        pytest.skip('this process cannot be forked here')
    monkeypatch.setattr(forks, 'may_share_work', lambda: forked)
    root = scenes.write(tmp_path / 'scenes', FEW)
    paths = scenes.pair('train', 1)
    image, label = rendered['train'][1]
    assert np.array_equal(cv2.imread(str(root / paths.image))[..., ::-1], image)
    assert np.array_equal(cv2.imread(str(root / paths.label), cv2.IMREAD_UNCHANGED), label)


def test_two_commands_at_once_make_one_folder(tmp_path):
    program = (
        'import sys; from pathlib import Path; from bench.data_sets import scenes\n'
        f'scenes.write(Path(sys.argv[1]), {FEW})'
    )
    target = tmp_path / 'scenes'
    both = [subprocess.Popen([sys.executable, '-c', program, str(target)]) for _ in range(2)]
    assert [process.wait() for process in both] == [0, 0]
    assert len(content(target)) == 8
    assert [path.name for path in tmp_path.iterdir() if path.is_dir()] == ['scenes']


def test_a_failed_rendering_leaves_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr(forks, 'may_share_work', lambda: False)
    monkeypatch.setattr(scenes, '_save', lambda *_: (_ for _ in ()).throw(OSError(28, 'No space left on device')))
    with pytest.raises(DataError, match=r'cannot write the scenes to .*: No space left on device; set SEGREPRO_CACHE'):
        scenes.write(tmp_path / 'scenes', FEW)
    assert [path for path in tmp_path.iterdir() if path.is_dir()] == []


def test_an_existing_folder_is_not_rendered_again(tmp_path, monkeypatch):
    scenes.write(tmp_path / 'scenes', FEW)
    monkeypatch.setattr(scenes, '_save', lambda *_: pytest.fail('rendered again'))
    assert scenes.write(tmp_path / 'scenes', FEW) == tmp_path / 'scenes'


def test_a_folder_with_other_things_in_it_is_left_alone(tmp_path):
    (tmp_path / 'thesis.tex').write_text('precious')
    with pytest.raises(DataError, match='is not empty and holds no scenes'):
        scenes.write(tmp_path, FEW)
    assert (tmp_path / 'thesis.tex').read_text() == 'precious'


@pytest.fixture
def other_version():
    """A version that is told anew within, and the true one anew afterwards."""
    scenes.version.cache_clear()
    yield
    scenes.version.cache_clear()


def test_find_renders_into_the_cache_and_the_result_is_sound(tmp_path, monkeypatch, other_version):
    monkeypatch.setenv('SEGREPRO_CACHE', str(tmp_path))
    monkeypatch.setattr(scenes, 'COUNTS', FEW)
    monkeypatch.setattr(scenes.write, '__defaults__', (FEW,))
    dataset = scenes.find()
    assert dataset.root == tmp_path / f'scenes-{scenes.version()}'
    assert dataset.redistributable and dataset.base_size == (256, 512)
    assert check(dataset, tmp_path).images == FEW


def test_the_splits_are_named_like_cityscapes_and_do_not_share_a_city(tmp_path):
    (tmp_path / 'leftImg8bit').mkdir()
    dataset = scenes.find(tmp_path)
    assert {split: len(pairs) for split, pairs in dataset.splits.items()} == {'train': 96, 'val': 16, 'test': 32}
    first = dataset.splits['test'][0]
    assert first.image == 'leftImg8bit/test/hartwell/hartwell_000000_000019_leftImg8bit.png'
    assert first.label == 'gtFine/test/hartwell/hartwell_000000_000019_gtFine_labelTrainIds.png'
    images = [pair.image for pairs in dataset.splits.values() for pair in pairs]
    assert len(set(images)) == len(images) == 144
    cities = [city for names in scenes.CITIES.values() for city in names]
    assert len(set(cities)) == len(cities)


def test_roots_and_class_files_that_do_not_fit_are_refused(tmp_path):
    with pytest.raises(DataError, match=r'no scenes in .*: leftImg8bit/ is missing; `data.py scenes --out'):
        scenes.find(tmp_path)
    with pytest.raises(DataError, match=r'does not go with scenes: its 19 classes are fixed'):
        scenes.find(None, tmp_path / 'classes.txt')
