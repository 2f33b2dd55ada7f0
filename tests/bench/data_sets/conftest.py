"""Tiny data sets in the real layouts, written by the tests themselves."""

import ast
import importlib.util
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image


def write_pair(image: Path, label: Path, values: np.ndarray, seed: int = 0) -> None:
    """Write a noise image and the label ``values`` [H, W] of its size."""
    image.parent.mkdir(parents=True, exist_ok=True)
    label.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 256, (*values.shape, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(image)
    Image.fromarray(values.astype(np.uint8)).save(label)


@pytest.fixture
def camvid_root(tmp_path: Path) -> Path:
    """CamVid with 3 train, 1 val and 2 test frames of 12x16 pixels; column c of each label holds value c % 12."""
    root = tmp_path / 'camvid'
    frames = {
        'train': ('0006R0_01', '0006R0_02', '0016E5_01'),
        'val': ('0016E5_03',),
        'test': ('Seq05VD_1', 'Seq05VD_2'),
    }
    for split, stems in frames.items():
        for seed, stem in enumerate(stems):
            values = np.tile(np.arange(16) % 12, (12, 1))
            write_pair(root / split / f'{stem}.png', root / f'{split}annot' / f'{stem}.png', values, seed)
    return root


@pytest.fixture
def folder_root(tmp_path: Path) -> Path:
    """A folder data set, classes a, b, c, with 2 train and 1 val images of 8x10, 8x10 and 20x6 pixels."""
    root = tmp_path / 'own'
    for split, name, size in (
        ('train', 'one.jpg', (8, 10)),
        ('train', 'two.png', (8, 10)),
        ('val', 'three.png', (20, 6)),
    ):
        label = root / 'labels' / split / f'{Path(name).stem}.png'
        write_pair(root / 'images' / split / name, label, np.arange(size[0] * size[1]).reshape(size) % 3)
    (root / 'classes.txt').write_text('a\nb\nc\n')
    return root


def encoded(picture: Image.Image, kind: str = 'PNG') -> bytes:
    """Return the bytes of a picture file."""
    buffer = io.BytesIO()
    picture.save(buffer, kind)
    return buffer.getvalue()


@pytest.fixture
def kitti_root(tmp_path: Path) -> Path:
    """KITTI with its 200 annotated images, all alike, 2x17 pixels; pixel k of each label holds id k, 0 to 33."""
    root = tmp_path / 'kitti'
    image = encoded(Image.new('RGB', (17, 2), (10, 20, 30)))
    label = encoded(Image.fromarray(np.arange(34, dtype=np.uint8).reshape(2, 17)))
    for folder, content in (('image_2', image), ('semantic', label)):
        (root / 'training' / folder).mkdir(parents=True)
        for frame in range(200):
            (root / 'training' / folder / f'{frame:06d}_10.png').write_bytes(content)
    return root


@pytest.fixture
def cityscapes_root(tmp_path: Path) -> Path:
    """Cityscapes with 2 train cities of 2 and 1 images and 1 val city of 1; pixel k of each label holds id k."""
    root = tmp_path / 'cityscapes'
    values = np.arange(34).reshape(2, 17)
    for split, stem in (
        ('train', 'aachen_000000_000019'),
        ('train', 'aachen_000001_000019'),
        ('train', 'bochum_000000_000313'),
        ('val', 'frankfurt_000000_000294'),
    ):
        city = stem.split('_')[0]
        image = root / 'leftImg8bit' / split / city / f'{stem}_leftImg8bit.png'
        write_pair(image, root / 'gtFine' / split / city / f'{stem}_gtFine_labelIds.png', values)
    return root


@pytest.fixture
def voc_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """VOC 2012 with 9 photographs of 3x4 pixels, 6 of them with chosen classes only; its labels have a palette.

    The counts of train and val are 3 and 1 here, and the cache is its own.
    """
    monkeypatch.setenv('SEGREPRO_CACHE', str(tmp_path / 'cache'))
    monkeypatch.setattr('bench.data_sets.voc9.TRAIN', 3)
    monkeypatch.setattr('bench.data_sets.voc9.VAL', 1)
    root = tmp_path / 'voc'
    home = root / 'VOCdevkit' / 'VOC2012'
    # One photograph a row: the values of its label besides background and boundary.
    shown = [[1], [2, 15], [4, 6], [7, 14], [19], [15], [12], [15, 9], []]
    stems = [f'2007_{number:06d}' for number in range(len(shown))]
    for folder in ('JPEGImages', 'SegmentationClass', 'ImageSets/Segmentation'):
        (home / folder).mkdir(parents=True)
    for stem, values in zip(stems, shown, strict=True):
        label = Image.fromarray(np.resize(np.array([0, *values, 255], np.uint8), (3, 4)), 'P')
        label.putpalette([(37 * k + 11) % 256 for k in range(768)])
        label.save(home / 'SegmentationClass' / f'{stem}.png')
        Image.new('RGB', (4, 3), (9, 9, 9)).save(home / 'JPEGImages' / f'{stem}.jpg')
    (home / 'ImageSets' / 'Segmentation' / 'trainval.txt').write_text('\n'.join(stems) + '\n')
    return root


def mmseg_metainfo(module: str) -> dict[str, Any]:
    """Return the METAINFO of a data set of mmseg, read from its source: importing mmseg takes seconds."""
    spec = importlib.util.find_spec('mmseg')
    assert spec is not None and spec.origin is not None
    tree = ast.parse((Path(spec.origin).parent / 'datasets' / f'{module}.py').read_text(encoding='utf-8'))
    (call,) = [
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign) and [ast.unparse(target) for target in node.targets] == ['METAINFO']
    ]
    assert isinstance(call, ast.Call)
    return {keyword.arg or '': ast.literal_eval(keyword.value) for keyword in call.keywords}


@pytest.fixture(scope='session')
def metainfo() -> Callable[[str], dict[str, Any]]:
    """``mmseg_metainfo``, for test modules: they cannot import a conftest."""
    return mmseg_metainfo
