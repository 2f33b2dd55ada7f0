"""``folder``: any images with label PNGs.

Below the root: ``images/<split>/*`` and ``labels/<split>/*.png`` with the same stems, splits ``train``, ``val`` and, if
wanted, ``test``. A text file names the classes, one a line: a label's value is its line, counted from 0, and 255 is
ignored.
"""

import colorsys
from pathlib import Path

from bench.data_sets.listing import IMAGE_SUFFIXES, names_in, pairs_of
from bench.errors import DataError
from bench.records import DataSet, Pair, Size

SUMMARY = 'your own images/<split>/* and labels/<split>/*.png, classes from a text file'
OBTAIN = """\
1. put images in DIR/images/train and DIR/images/val (DIR/images/test too, if you have a test split)
2. put label PNGs of the same names in DIR/labels/<split>: one channel, 8 bits, 255 where a pixel has no class
3. write the class names to DIR/classes.txt, one a line: the first line is label value 0
4. python bench/data.py check --dataset folder --data-root DIR
5. python bench/run_all.py --dataset folder --data-root DIR --budget short --keep-checkpoints --dry-run \
       --only kitti_ablation/enet kitti_ablation/batch_norm
   says how long two small networks take; without --dry-run it trains them
Frames of one recording are alike: name them <recording>__<frame>, so that intervals allow for it."""

# Okabe and Ito's colours, told apart by readers with any common colour blindness.
OKABE_ITO = (
    (0, 114, 178), (230, 159, 0), (0, 158, 115), (204, 121, 167), (86, 180, 233), (213, 94, 0), (240, 228, 66),
    (96, 96, 96),
)  # fmt: skip
NOTE = (
    'Images and labels of your own, called folder- and eight digits of the hash of their content. Images count as '
    'independent but for those whose names share what comes before a double underscore: of video frames that are '
    'named otherwise, intervals are too narrow.'
)
MAX_CLASSES = 255
SIZED_IMAGES = 256


def find(root: Path | None = None, classes: Path | None = None) -> DataSet:
    """Return the data set below ``root``; ``classes`` defaults to ``root/classes.txt``.

    Its base size is the median height and the median width of (at most 256 evenly spaced) images.

    Raises:
        DataError: a folder or the class file is missing, the class file breaks a rule, or a split has folders.
    """
    if root is None:
        raise DataError('folder needs a folder: --data-root DIR with images/<split>/* and labels/<split>/*.png')
    needed = [f'{kind}/{split}' for split in ('train', 'val') for kind in ('images', 'labels')]
    missing = [name for name in needed if not (root / name).is_dir()]
    if missing:
        raise DataError(f'no data set in {root}: {", ".join(missing)} missing; needed are {", ".join(needed)}')
    _refuse_deeper(root)
    names = read_classes(classes or root / 'classes.txt')
    tested = any((root / kind / 'test').is_dir() for kind in ('images', 'labels'))
    splits = {
        split: pairs_of(root, f'images/{split}', f'labels/{split}')
        for split in ('train', 'val', *(['test'] if tested else []))
    }
    return DataSet(
        name='folder',
        root=root,
        classes=names,
        palette=distinct_colours(len(names)),
        base_size=_median_size(root, [pair for pairs in splits.values() for pair in pairs]),
        splits=splits,
        note=NOTE,
    )


def _refuse_deeper(root: Path) -> None:
    """Refuse images in folders below a split's: left out without a word they would be missed in every number."""
    for kind in ('images', 'labels'):
        for folder in sorted(root.glob(f'{kind}/*/*/')):
            inside = [] if folder.name.startswith('.') else names_in(folder, IMAGE_SUFFIXES)
            if inside:
                raise DataError(
                    f'{folder.relative_to(root)} holds {inside[0]}: a split is one folder, '
                    f'so put all of its files into {folder.parent.relative_to(root)}'
                )


def sequence(image: str) -> str:
    """Return the recording that an image belongs to: its stem up to a double underscore, else all of it."""
    return Path(image).stem.split('__')[0]


def read_classes(path: Path) -> tuple[str, ...]:
    """Return the class names of a text file, one a line.

    Raises:
        DataError: the file is missing or not UTF-8; a line is empty, a comment or repeats another; there are fewer than
            2 or more than 255.
    """
    try:
        lines = path.read_text(encoding='utf-8-sig').rstrip().splitlines()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, 'strerror', None) or 'not UTF-8 text'
        raise DataError(f'cannot read the class file {path}: {reason}; write one class name a line') from error
    names = [line.strip() for line in lines]
    for number, name in enumerate(names):
        if not name:
            raise DataError(f'{path}, line {number + 1} is empty: each line names the class of label value {number}')
        if name.startswith('#'):
            raise DataError(
                f'{path}, line {number + 1}: {name!r} would be the class of label value {number}; no comments'
            )
        if name in names[:number]:
            first = names.index(name) + 1
            raise DataError(f'{path}, line {number + 1} repeats {name!r} of line {first}: class names differ')
    if not 2 <= len(names) <= MAX_CLASSES:
        raise DataError(
            f'{path} names {len(names)} classes: 2 to {MAX_CLASSES} are possible (255 is the ignored value)'
        )
    return tuple(names)


def distinct_colours(count: int) -> tuple[tuple[int, int, int], ...]:
    """Return ``count`` different display colours, always the same; the first eight suit colour-blind readers."""
    colours = list(OKABE_ITO[:count])
    step = 0
    while len(colours) < count:
        # Steps of the golden ratio spread hues; lightness in turn keeps neighbours apart without hue.
        lightness = (0.35, 0.65, 0.5, 0.8, 0.25)[step % 5]
        red, green, blue = colorsys.hls_to_rgb((0.11 + step * 0.618034) % 1, lightness, 0.75)
        colour = (round(red * 255), round(green * 255), round(blue * 255))
        if colour not in colours:
            colours.append(colour)
        step += 1
    return tuple(colours)


def _median_size(root: Path, pairs: list[Pair]) -> Size:
    from statistics import median_low

    from bench.data_sets.pictures import stored_size

    step = max(1, len(pairs) // SIZED_IMAGES)
    sizes = [size for pair in pairs[::step] if (size := stored_size(root / pair.image)) is not None]
    if not sizes:
        raise DataError(f'no readable image below {root / "images"}: {len(pairs)} files were looked at')
    return median_low(height for height, _ in sizes), median_low(width for _, width in sizes)
