"""Cityscapes with fine labels, in the official layout; shared by the three label sets 19, 20 and 29.

Below the root: ``leftImg8bit/<split>/<city>/<stem>_leftImg8bit.png`` and
``gtFine/<split>/<city>/<stem>_gtFine_labelIds.png``. The labels of the test images are not public (the files in
``gtFine/test`` are blank), so that ``val`` is the split that scores are reported on.
"""

from collections.abc import Mapping
from pathlib import Path

from bench.data_sets.archive import Archive
from bench.data_sets.cityscapes_labels import Colour
from bench.errors import DataError
from bench.records import DataSet, Pair, Size

IMAGES, LABELS = 'leftImg8bit', 'gtFine'
IMAGE_END, LABEL_END = '_leftImg8bit.png', '_gtFine_labelIds.png'
OFFICIAL = {'train': 2975, 'val': 500}
# Both are handed out after registration only, without a published checksum.
ARCHIVES = (Archive('leftImg8bit_trainvaltest.zip'), Archive('gtFine_trainvaltest.zip'))


def obtain(name: str) -> str:
    """Return the steps that bring Cityscapes onto this machine as data set ``name``."""
    return f"""\
1. register at https://www.cityscapes-dataset.com/register/ and accept the terms: research use, no redistribution
2. download leftImg8bit_trainvaltest.zip (11 GB) and gtFine_trainvaltest.zip (241 MB) from its download page, or with
   the owners' own tool: python -m pip install cityscapesscripts && csDownload gtFine_trainvaltest.zip (and the other)
3. python bench/data.py {name} --archive leftImg8bit_trainvaltest.zip gtFine_trainvaltest.zip --out DIR
   unpacks both (again: what is there is kept); unzip does as well
4. python bench/data.py check --dataset {name} --data-root DIR
Nothing is downloaded here: the owners ask every user to register."""


def find(
    name: str,
    training: Mapping[str, Colour],
    label_map: Mapping[int, int],
    base_size: Size,
    root: Path | None,
    class_file: Path | None,
) -> DataSet:
    """Return Cityscapes below ``root`` with one label set.

    Args:
        name: of the data set, for messages.
        training: name and display colour of each class, in the order of the training values.
        label_map: label id -> training value.
        base_size: (H, W) that documented sizes are translated to.
        root: the folder with ``leftImg8bit`` and ``gtFine``.
        class_file: refused: the classes are fixed.

    Raises:
        DataError: no root is given, a folder is missing, or a class file is given.
    """
    if class_file is not None:
        raise DataError(f'a class file ({class_file}) does not go with {name}: its {len(training)} classes are fixed')
    if root is None:
        raise DataError(f'{name} needs its folder: --data-root DIR; `data.py {name}` says how to get it')
    needed = [f'{kind}/{split}' for kind in (IMAGES, LABELS) for split in OFFICIAL]
    missing = [folder for folder in needed if not (root / folder).is_dir()]
    if missing:
        raise DataError(
            f'no Cityscapes in {root}: {", ".join(missing)} missing of {", ".join(needed)}; '
            f'`data.py {name}` says how to get it'
        )
    splits = {split: _pairs(root, split) for split in OFFICIAL}
    return DataSet(
        name=name,
        root=root,
        classes=tuple(training),
        palette=tuple(training.values()),
        base_size=base_size,
        splits=splits,
        label_map=label_map,
        note=_note({split: len(pairs) for split, pairs in splits.items()}),
        unlabelled=tuple(
            f'{IMAGES}/test/{one}{IMAGE_END}' for one in sorted(_stems(root / IMAGES / 'test', IMAGE_END))
        ),
    )


def sequence(image: str) -> str:
    """Return the recording that an image belongs to: city and sequence number, the first two parts of its name."""
    return '_'.join(Path(image).stem.split('_')[:2])


def _pairs(root: Path, split: str) -> tuple[Pair, ...]:
    """Return a pair for each ``<city>/<stem>`` that has an image, a label or both, sorted."""
    stems = _stems(root / IMAGES / split, IMAGE_END) | _stems(root / LABELS / split, LABEL_END)
    return tuple(
        Pair(image=f'{IMAGES}/{split}/{stem}{IMAGE_END}', label=f'{LABELS}/{split}/{stem}{LABEL_END}')
        for stem in sorted(stems)
    )


def _stems(folder: Path, end: str) -> set[str]:
    # Hidden files are an operating system's droppings (._x.png), never data.
    return {
        f'{path.parent.name}/{path.name.removesuffix(end)}'
        for path in folder.glob(f'*/*{end}')
        if not path.name.startswith('.')
    }


def _note(counts: Mapping[str, int]) -> str:
    scored = 'scored on val: the labels of the test images are not public'
    parts = [f'{counts[split]} of {of} {split} images' for split, of in OFFICIAL.items() if counts[split] != of]
    return f'incomplete: {", ".join(parts)}; {scored}' if parts else scored
