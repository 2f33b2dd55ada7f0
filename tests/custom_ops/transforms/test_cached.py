from pathlib import Path

import cv2
import numpy as np
import pytest
from mmcv.transforms import Compose
from mmseg.registry import TRANSFORMS

from custom_ops.transforms import CachedTransforms, cached

LOADED = [dict(type='LoadImageFromFile'), dict(type='LoadAnnotations')]
RESIZED = [*LOADED, dict(type='Resize', scale=(12, 8), keep_ratio=False)]


@pytest.fixture
def files(tmp_path):
    generator = np.random.default_rng(0)
    cv2.imwrite(str(tmp_path / 'image.png'), generator.integers(0, 256, (20, 30, 3), dtype=np.uint8))
    cv2.imwrite(str(tmp_path / 'label.png'), generator.integers(0, 5, (20, 30), dtype=np.uint8))
    return tmp_path


def sample(files: Path, **more):
    return dict(
        img_path=str(files / 'image.png'),
        seg_map_path=str(files / 'label.png'),
        label_map=None,
        reduce_zero_label=False,
        seg_fields=[],
        **more,
    )


def toolbox(steps):
    return Compose([TRANSFORMS.build(dict(step)) for step in steps])


def equal(first, second):
    assert list(first) == list(second)
    for key, value in first.items():
        assert type(value) is type(second[key])
        assert np.array_equal(value, second[key]) if isinstance(value, np.ndarray) else value == second[key], key


def build(steps, folder):
    return CachedTransforms(steps, str(folder / 'pixels'))


@pytest.mark.parametrize('steps', [LOADED, RESIZED, LOADED[:1]], ids=['loaded', 'resized', 'image'])
def test_first_and_later_samples_are_those_of_the_transforms(files, steps):
    plain = toolbox(steps)(sample(files, sample_idx=3))
    first, again = (build(steps, files)(sample(files, sample_idx=3)) for _ in range(2))
    equal(dict(sorted(first.items())), dict(sorted(plain.items())))
    equal(dict(sorted(again.items())), dict(sorted(plain.items())))


def test_files_are_read_once(files):
    first = build(RESIZED, files)(sample(files))
    for name in ('image.png', 'label.png'):
        (files / name).unlink()
    assert np.array_equal(build(RESIZED, files)(sample(files))['img'], first['img'])


def test_labels_that_follow_remember_no_image(files):
    """A second group of steps adds to a sample that has its image already."""
    image = build(LOADED[:1], files)(sample(files))
    build(LOADED[1:], files)(dict(image))
    (files / 'label.png').unlink()
    brighter = {**image, 'img': image['img'] + 1, 'seg_fields': []}
    found = build(LOADED[1:], files)(brighter)
    assert np.array_equal(found['img'], image['img'] + 1)
    assert found['seg_fields'] == ['gt_seg_map']


@pytest.mark.parametrize('change', [{'label_map': {1: 255}}, {'reduce_zero_label': True}])
def test_labels_read_otherwise_are_other_entries(files, change):
    build(LOADED, files)(sample(files))
    changed = {**sample(files), **change}
    plain = toolbox(LOADED)({**changed, 'seg_fields': []})
    assert np.array_equal(build(LOADED, files)(changed)['gt_seg_map'], plain['gt_seg_map'])


def test_another_size_is_another_kind(files):
    build(RESIZED, files)(sample(files))
    larger = [*LOADED, dict(type='Resize', scale=(24, 16), keep_ratio=False)]
    assert build(larger, files)(sample(files))['img'].shape == (16, 24, 3)


def test_samples_do_not_share_what_they_hold(files):
    transform = build(RESIZED, files)
    transform(sample(files))
    first = transform(sample(files))
    first['seg_fields'].append('more')
    first['img'][:] = 0
    second = transform(sample(files))
    assert second['seg_fields'] == ['gt_seg_map']
    assert second['img'].any()


def test_without_a_folder_nothing_is_written(files):
    CachedTransforms(RESIZED, None)(sample(files))
    assert sorted(path.name for path in files.iterdir()) == ['image.png', 'label.png']


def test_a_change_of_our_own_transforms_is_another_kind(monkeypatch):
    steps = [*LOADED, {'type': 'CentreCrop', 'size': (8, 8)}]
    kinds = {cached._kind(LOADED), cached._kind(steps)}
    monkeypatch.setattr(cached.inspect, 'getsource', lambda module: f'{module.__name__}, mended')
    assert cached._kind(LOADED) in kinds, 'the toolbox is told by its version'
    assert cached._kind(steps) not in kinds
