"""Tiny data sets in the real layouts, written by the tests themselves."""

from pathlib import Path

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
