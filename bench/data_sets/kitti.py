"""``kitti``: the 200 annotated images of KITTI's semantic benchmark with the 19 Cityscapes classes.

Below the root: ``training/image_2/NNNNNN_10.png`` and ``training/semantic/NNNNNN_10.png``, numbers 000000 to 000199,
labels as Cityscapes ids; what is none of the 19 classes is ignored. The labels of the benchmark's own 200 test images
are not public, so that kitti_ablation split the annotated ones into 150 and 50. It does not say which: the 50 below
were drawn once, with seed 2026, and stay.

There is no val split: 150 images are documented for training and 50 for testing, and none is left. Curves drawn while
training are therefore of the test images, as in the source; what is chosen by them is chosen on test.
"""

from pathlib import Path

from bench.data_sets import cityscapes19
from bench.data_sets.archive import Archive
from bench.errors import DataError
from bench.records import DataSet, Pair

CLASSES, PALETTE, LABEL_MAP = cityscapes19.CLASSES, cityscapes19.PALETTE, cityscapes19.LABEL_MAP
BASE_SIZE = (375, 1242)
IMAGES, LABELS = 'training/image_2', 'training/semantic'
ANNOTATED = 200
SEED = 2026
TEST_FRAMES = (
    0, 2, 6, 19, 20, 22, 25, 26, 28, 30, 36, 53, 57, 61, 64, 73, 74, 79, 80, 81, 87, 89, 91, 93, 94, 96, 101, 107, 112,
    115, 117, 125, 128, 131, 137, 140, 142, 146, 147, 150, 153, 157, 159, 163, 165, 173, 178, 186, 190, 196,
)  # fmt: skip
SUMMARY = 'KITTI semantics, the 19 Cityscapes classes, about 375x1242 (150 train, 50 test)'
OBTAIN = """\
1. register at https://www.cvlibs.net/datasets/kitti/user_login.php (CC BY-NC-SA 3.0: not for commercial use)
2. from https://www.cvlibs.net/datasets/kitti/eval_semseg.php?benchmark=semantics2015 download
   "label for semantic and instance segmentation", data_semantics.zip (314 MB)
3. python bench/data.py kitti --archive data_semantics.zip --out DIR unpacks it; unzip does as well
4. python bench/data.py check --dataset kitti --data-root DIR (the folder that holds training/)
Nothing is downloaded here: the owners ask every user to register."""
ARCHIVES = (Archive('data_semantics.zip'),)


def find(root: Path | None = None, classes: Path | None = None) -> DataSet:
    """Return the 200 annotated images below ``root``, split 150 to 50 as recorded here.

    All 200 are listed whether they are there or not: the check names what is missing, and other files (the second
    frames ``_11`` of KITTI's flow data, which has the same folder) are left alone.

    Raises:
        DataError: no root is given, a folder is missing, or ``classes`` is given.
    """
    if classes is not None:
        raise DataError(f'a class file ({classes}) does not go with kitti: its 19 classes are fixed; use folder')
    if root is None:
        raise DataError('kitti needs its folder: --data-root DIR; `data.py kitti` says how to get it')
    missing = [folder for folder in (IMAGES, LABELS) if not (root / folder).is_dir()]
    if missing:
        raise DataError(
            f'no KITTI semantics in {root}: {", ".join(missing)} missing of {IMAGES}, {LABELS}; '
            '`data.py kitti` says how to get it'
        )
    test = frozenset(TEST_FRAMES)
    return DataSet(
        name='kitti',
        root=root,
        classes=CLASSES,
        palette=PALETTE,
        base_size=BASE_SIZE,
        splits={
            'train': tuple(pair(frame) for frame in range(ANNOTATED) if frame not in test),
            'test': tuple(pair(frame) for frame in TEST_FRAMES),
        },
        label_map=LABEL_MAP,
        note=f'split drawn at random (seed {SEED}): test shares drives with train; no val split: curves are of test',
    )


def sequence(image: str) -> str:
    """Return the recording that an image belongs to: which drive it is from is not in its name, so its own stem."""
    return Path(image).stem


def pair(frame: int) -> Pair:
    """Return the paths of annotated image ``frame``, 0 to 199."""
    return Pair(image=f'{IMAGES}/{frame:06d}_10.png', label=f'{LABELS}/{frame:06d}_10.png')
