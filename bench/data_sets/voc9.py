"""``voc9``: PASCAL VOC 2012 photographs with background, seven vehicles and persons, as unet_phases seems to use them.

The report names neither its data set nor its classes: 1000 pairs, nine classes of which the first is background, an
ignored boundary, 900 pairs for training, 100 for validation and a test set apart. The reading taken:

* Classes: background, aeroplane, bicycle, boat, bus, car, motorbike, person, train; boundary (255) ignored.
* Photographs: those of VOC 2012's segmentation ``trainval`` that show at least one of the eight and none of the other
  twelve. A dog would need a tenth meaning: as background it would teach that dogs are none, and the only ignored value
  of the report is the boundary. (Should one occur all the same, it is ignored: ``LABEL_MAP``.)
* Splits: put in the order of the SHA-256 of ``voc9/<stem>``, the first 900 are train, the next 100 val, the rest test.
  The order of a photograph depends on its own name alone.

Labels are PNGs with a palette, read as indices. Base size 375x500, the commonest of the photographs.
"""

import contextlib
import hashlib
import json
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from bench.data_sets.archive import Archive
from bench.data_sets.cache import cache_folder, write_whole
from bench.errors import DataError
from bench.records import DataSet, Pair

# VOC's own values 0 to 20.
VOC_CLASSES = (
    'background', 'aeroplane', 'bicycle', 'bird', 'boat', 'bottle', 'bus', 'car', 'cat', 'chair', 'cow', 'diningtable',
    'dog', 'horse', 'motorbike', 'person', 'pottedplant', 'sheep', 'sofa', 'train', 'tvmonitor',
)  # fmt: skip
CLASSES = ('background', 'aeroplane', 'bicycle', 'boat', 'bus', 'car', 'motorbike', 'person', 'train')
PALETTE = (
    (0, 0, 0), (128, 0, 0), (0, 128, 0), (0, 0, 128), (0, 128, 128), (128, 128, 128), (64, 128, 128), (192, 128, 128),
    (128, 192, 0),
)  # fmt: skip
BOUNDARY = 255
LABEL_MAP = {value: CLASSES.index(name) if name in CLASSES else BOUNDARY for value, name in enumerate(VOC_CLASSES)}
SHOWN = frozenset(VOC_CLASSES.index(name) for name in CLASSES[1:])
OTHERS = frozenset(range(len(VOC_CLASSES))) - SHOWN - {0}
BASE_SIZE = (375, 500)
TRAIN, VAL = 900, 100
# Part of the key of a remembered choice: raise it when the rule changes.
RULE = 1

DEVKIT = Path('VOCdevkit', 'VOC2012')
LIST = 'ImageSets/Segmentation/trainval.txt'
IMAGES, LABELS = 'JPEGImages', 'SegmentationClass'
SUMMARY = 'PASCAL VOC 2012 vehicles and persons, 9 classes, about 375x500 (900 train, 100 val)'
OBTAIN = """\
1. python bench/data.py voc9 --out DIR downloads VOCtrainval_11-May-2012.tar (2 GB; again: the download continues),
   compares its SHA-256 and unpacks it; with --archive FILE it takes the file that you have
2. python bench/data.py check --dataset voc9 --data-root DIR (the folder that holds VOCdevkit/)
The photographs are from Flickr: its terms hold for them, and they must not be passed on. Cite PASCAL VOC 2012."""
ARCHIVES = (
    Archive(
        name='VOCtrainval_11-May-2012.tar',
        url='http://host.robots.ox.ac.uk/pascal/VOC/voc2012/VOCtrainval_11-May-2012.tar',
        size_bytes=1_999_639_040,
        sha256='e14f763270cf193d0b5f74b169f44157a4b0c6efa708f4dd0ff78ee691763bcb',
        wanted=tuple(f'VOCdevkit/VOC2012/{folder}/' for folder in (IMAGES, LABELS, 'ImageSets/Segmentation')),
    ),
)


def find(root: Path | None = None, classes: Path | None = None) -> DataSet:
    """Return the chosen photographs of VOC 2012 below ``root``, a folder with ``VOCdevkit/VOC2012`` or that folder.

    The first time all labels are read, to know what each shows; the choice is remembered in the cache under their
    sizes and times.

    Raises:
        DataError: no root is given, a part is missing or unreadable, too few photographs are left, or ``classes`` is
            given.
    """
    if classes is not None:
        raise DataError(f'a class file ({classes}) does not go with voc9: its 9 classes are fixed; use folder')
    if root is None:
        raise DataError('voc9 needs its folder: --data-root DIR; `data.py voc9` says how to get it')
    home = root / DEVKIT if (root / DEVKIT).is_dir() else root
    missing = [name for name in (LIST, IMAGES, LABELS) if not (home / name).exists()]
    if missing:
        raise DataError(
            f'no VOC 2012 in {root}: {", ".join(missing)} missing in {home}; `data.py voc9` says how to get it'
        )
    stems = (home / LIST).read_text(encoding='utf-8').split()
    return DataSet(
        name='voc9',
        root=home,
        classes=CLASSES,
        palette=PALETTE,
        base_size=BASE_SIZE,
        splits={
            split: tuple(Pair(f'{IMAGES}/{stem}.jpg', f'{LABELS}/{stem}.png') for stem in members)
            for split, members in deal(_chosen(home, stems, cache_folder()), TRAIN, VAL).items()
        },
        label_map=LABEL_MAP,
        note='the reading taken of an unnamed data set: photographs with vehicles or persons and no other VOC class',
    )


def sequence(image: str) -> str:
    """Return the recording that an image belongs to: each photograph stands alone, so its own stem."""
    return Path(image).stem


def is_chosen(values: Iterable[int]) -> bool:
    """Say whether a photograph whose label holds ``values`` (VOC's) shows one of the eight classes and no other."""
    found = frozenset(values)
    return bool(found & SHOWN) and not found & OTHERS


def deal(stems: Iterable[str], train: int, val: int) -> Mapping[str, tuple[str, ...]]:
    """Return the stems of the splits train, val and test, each sorted.

    Raises:
        DataError: nothing would be left for test.
    """
    order = sorted(stems, key=lambda stem: hashlib.sha256(f'voc9/{stem}'.encode()).digest())
    if len(order) <= train + val:
        raise DataError(
            f'{len(order)} photographs show a vehicle or a person and no other class: {train} for training, {val} for '
            'validation and some for testing are needed; is the data set complete?'
        )
    dealt = {'train': order[:train], 'val': order[train : train + val], 'test': order[train + val :]}
    return {split: tuple(sorted(members)) for split, members in dealt.items()}


def _chosen(home: Path, stems: Sequence[str], cache: Path) -> list[str]:
    digest = hashlib.sha256(repr((RULE, str(home.absolute()))).encode())
    for stem in stems:
        status = _stat(home / LABELS / f'{stem}.png')
        digest.update(f'{stem}\t{status.st_size}\t{status.st_mtime_ns}\n'.encode())
    store = cache / 'voc9' / f'{digest.hexdigest()}.json'
    with contextlib.suppress(OSError, ValueError, TypeError):
        remembered = json.loads(store.read_text(encoding='utf-8'))
        if isinstance(remembered, list) and set(remembered) <= set(stems):
            return remembered
    chosen = [stem for stem, values in zip(stems, _values(home, stems), strict=True) if is_chosen(values)]
    # Remembering saves seconds the next time; a cache that cannot be written must not stop a run.
    with contextlib.suppress(OSError):
        write_whole(store, json.dumps(chosen))
    return chosen


def _stat(label: Path) -> os.stat_result:
    try:
        return label.stat()
    except OSError as error:
        raise DataError(f'{label} is missing: voc9 reads every label of {LIST} to choose its photographs') from error


def _values(home: Path, stems: Sequence[str]) -> list[list[int]]:
    """Return the values that each label holds, in the order of ``stems``."""
    from concurrent.futures import ThreadPoolExecutor

    import numpy as np

    from bench.data_sets import pictures
    from bench.data_sets.advance import advancing

    def read(stem: str) -> list[int]:
        label = home / LABELS / f'{stem}.png'
        try:
            values = pictures.decode_label(label.read_bytes())
        except (OSError, pictures.Unreadable) as error:
            raise DataError(f'{label} {error}: voc9 reads every label to choose its photographs') from error
        advance(1)
        return np.flatnonzero(np.bincount(values.ravel(), minlength=256)).tolist()

    with advancing('choosing photographs', len(stems)) as advance, ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        return list(pool.map(read, stems))
