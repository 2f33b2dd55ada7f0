"""``scenes``: the embedded data set, rendered street scenes in the layout and with the 19 classes of Cityscapes.

Picture ``i`` of a split depends on the split and on ``i`` alone. All are rendered once, into the cache, and from then
on read like any data set. They are ours, hence free to redistribute.
"""

import hashlib
import os
from collections.abc import Mapping
from functools import lru_cache
from itertools import repeat
from pathlib import Path
from typing import TYPE_CHECKING

from bench import forks
from bench.data_sets.advance import advancing
from bench.data_sets.cache import VARIABLE, cache_folder
from bench.data_sets.street import classes as street_classes
from bench.errors import DataError
from bench.records import DataSet, Pair

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

SIZE = (256, 512)
COUNTS: Mapping[str, int] = {'train': 96, 'val': 16, 'test': 32}
# Sixteen pictures to an (invented) city.
CITIES: Mapping[str, tuple[str, ...]] = {
    'train': ('alderbrook', 'birchford', 'cedarholm', 'dunmere', 'elmstead', 'fernhill'),
    'val': ('glenport',),
    'test': ('hartwell', 'ivydale'),
}
PER_CITY = 16
SUMMARY = f'rendered street scenes, 19 classes, {SIZE[0]}x{SIZE[1]}, made on first use'
OBTAIN = 'rendered on first use; nothing to download. `data.py scenes --out DIR` writes a copy to DIR.'


def find(root: Path | None = None, classes: Path | None = None) -> DataSet:
    """Return the data set below ``root``; without a root, that in the cache, rendered first where it is absent.

    Raises:
        DataError: ``root`` holds no scenes, ``classes`` is given, or the cache cannot be written.
    """
    if classes is not None:
        raise DataError(f'a class file ({classes}) does not go with scenes: its 19 classes are fixed; use folder')
    if root is None:
        root = write(cache_folder() / f'scenes-{version()}')
    elif not (root / 'leftImg8bit').is_dir():
        raise DataError(f'no scenes in {root}: leftImg8bit/ is missing; `data.py scenes --out {root}` writes them')
    return DataSet(
        name='scenes',
        root=root,
        classes=street_classes.NAMES,
        palette=street_classes.PALETTE,
        base_size=SIZE,
        splits={split: tuple(pair(split, k) for k in range(count)) for split, count in COUNTS.items()},
        redistributable=True,
        note='rendered scenes: scores say nothing about photographs',
    )


def sequence(image: str) -> str:
    """Return the recording that an image belongs to: each scene is drawn on its own, so its own stem."""
    return Path(image).stem


def pair(split: str, index: int) -> Pair:
    """Return the paths of picture ``index`` of a split, relative to the root."""
    city = CITIES[split][index // PER_CITY]
    stem = f'{city}_{index % PER_CITY:06d}_000019'
    return Pair(
        image=f'leftImg8bit/{split}/{city}/{stem}_leftImg8bit.png',
        label=f'gtFine/{split}/{city}/{stem}_gtFine_labelTrainIds.png',
    )


@lru_cache(maxsize=1)
def version() -> str:
    """Return twelve digits that change whenever the program that draws the scenes does."""
    digest = hashlib.sha256(repr((SIZE, dict(COUNTS), CITIES)).encode())
    for source in sorted(Path(street_classes.__file__).parent.glob('*.py')):
        digest.update(source.name.encode() + b'\0' + source.read_bytes())
    return digest.hexdigest()[:12]


def render(split: str, index: int) -> 'tuple[NDArray[np.uint8], NDArray[np.uint8]]':
    """Return picture ``index`` of a split: RGB uint8 [256, 512, 3] and classes uint8 [256, 512], 255 = void."""
    import numpy as np

    from bench.data_sets.street import scene

    stream = np.random.default_rng([2026, list(COUNTS).index(split), index])
    return scene.render(stream, scene.THEMES[index % len(scene.THEMES)], SIZE)


def write(folder: Path, counts: Mapping[str, int] = COUNTS) -> Path:
    """Render all scenes into ``folder`` unless it exists, and return it.

    The folder appears whole or not at all; of two commands that start at once, the second waits for the first.

    Raises:
        DataError: the folder exists without scenes in it, or cannot be written.
    """
    import shutil
    import tempfile
    from concurrent.futures.process import BrokenProcessPool

    from filelock import FileLock

    if (folder / 'leftImg8bit').is_dir():
        return folder
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(folder.parent / f'.{folder.name}.lock'):
            if (folder / 'leftImg8bit').is_dir():
                return folder
            if folder.exists() and any(folder.iterdir()):
                raise DataError(f'{folder} is not empty and holds no scenes: name a new or an empty folder')
            draft = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f'.{folder.name}.'))
            try:
                _render_all(draft, counts)
                os.chmod(draft, 0o755)
                os.replace(draft, folder)
            finally:
                shutil.rmtree(draft, ignore_errors=True)
    except (OSError, BrokenProcessPool) as error:
        raise DataError(
            f'cannot write the scenes to {folder}: {getattr(error, "strerror", None) or error}; '
            f'set {VARIABLE} to a folder that can be written'
        ) from error
    return folder


def _render_all(folder: Path, counts: Mapping[str, int]) -> None:
    from concurrent.futures import ThreadPoolExecutor

    splits, indices = zip(*((split, k) for split, count in counts.items() for k in range(count)), strict=True)
    # Threads, where forks may not be had, wait for each other half of the time: more than two gain nothing.
    workers = forks.pool() if forks.may_share_work() else ThreadPoolExecutor(min(2, os.cpu_count() or 1))
    with workers as pool:
        # Begun before the bar is shown, which has a thread of its own: forks have none.
        done = pool.map(_save, repeat(folder), splits, indices)
        with advancing('rendering the scenes', len(splits)) as advance:
            for _ in done:
                advance(1)


def _save(folder: Path, split: str, index: int) -> None:
    import cv2

    image, label = render(split, index)
    paths = pair(split, index)
    for path, picture in ((folder / paths.image, image[..., ::-1]), (folder / paths.label, label)):
        path.parent.mkdir(parents=True, exist_ok=True)
        # Not cv2.imwrite: it reports a full disk as False, or not at all.
        path.write_bytes(cv2.imencode('.png', picture, [cv2.IMWRITE_PNG_COMPRESSION, 1])[1].tobytes())
