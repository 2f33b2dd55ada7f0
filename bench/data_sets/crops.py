"""Offline crops: cut every photograph of a data set into crops once, and store them as a ``folder`` data set.

Source: unet_phases, phase 4: four corners and the centre of each training photograph (4500 crops of 900), and in one
trial one more, rotated by up to 30 degrees and cut from the centre (5400). Other splits give their centre crops, which
is what the report scores.
"""

import json
import os
import zlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bench.data_sets.advance import Advance, silent
from bench.data_sets.cache import write_whole
from bench.errors import DataError
from bench.records import DataSet, Pair, Size

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

RECIPE = 'crops.json'
# Black and ignored: what compose pads photographs with that are smaller than a crop.
PADDED_PIXEL = 0


@dataclass(frozen=True)
class Recipe:
    """How crops are cut.

    ``size`` is (H, W) in pixels; ``rotations`` how many rotated crops each training photograph gives besides its five;
    ``max_degrees`` the largest angle either way; ``seed`` settles the angles, photograph by photograph.
    """

    size: Size = (256, 256)
    rotations: int = 0
    max_degrees: float = 30.0
    seed: int = 0


def corners(image: Size, crop: Size) -> dict[str, tuple[int, int]]:
    """Return the (top, left) of the crops of an image by name: four corners, and the centre (rounded down).

    Where the image is smaller than the crop that side starts at 0.

    >>> corners((375, 500), (256, 256))['centre']
    (59, 122)
    """
    bottom, right = max(image[0] - crop[0], 0), max(image[1] - crop[1], 0)
    return {
        'top_left': (0, 0),
        'top_right': (0, right),
        'bottom_left': (bottom, 0),
        'bottom_right': (bottom, right),
        'centre': (bottom // 2, right // 2),
    }


def cut(picture: 'NDArray[np.uint8]', at: tuple[int, int], size: Size, padding: int) -> 'NDArray[np.uint8]':
    """Return the crop [H, W, ...] of ``picture`` [h, w, ...] at (top, left), padded below and on the right."""
    import numpy as np

    top, left = at
    part = picture[top : top + size[0], left : left + size[1]]
    lacking = [(0, size[0] - part.shape[0]), (0, size[1] - part.shape[1]), *[(0, 0)] * (picture.ndim - 2)]
    return np.pad(part, lacking, constant_values=padding)


def rotated(
    image: 'NDArray[np.uint8]', label: 'NDArray[np.uint8]', degrees: float, ignored: int
) -> 'tuple[NDArray[np.uint8], NDArray[np.uint8]]':
    """Return image [h, w, 3] and label [h, w], both turned about their centre, anticlockwise.

    Labels take the nearest value; what comes from outside the picture is black and ignored.
    """
    import cv2

    height, width = label.shape
    turn = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), degrees, 1.0)
    size = (width, height)
    turned = cv2.warpAffine(image, turn, size, flags=cv2.INTER_LINEAR, borderValue=(PADDED_PIXEL,) * 3)
    return turned, cv2.warpAffine(label, turn, size, flags=cv2.INTER_NEAREST, borderValue=ignored)


def angles(recipe: Recipe, stem: str) -> tuple[float, ...]:
    """Return the angles in degrees for a photograph: uniform, and the same whichever others there are."""
    import numpy as np

    stream = np.random.default_rng([recipe.seed, zlib.crc32(stem.encode())])
    return tuple(stream.uniform(-recipe.max_degrees, recipe.max_degrees, recipe.rotations).tolist())


def names(recipe: Recipe, split: str, stem: str) -> tuple[str, ...]:
    """Return the stems of the crops that a photograph gives."""
    if split != 'train':
        return (f'{stem}_centre',)
    turned = (f'{stem}_rotated{k}' for k in range(recipe.rotations))
    return (*(f'{stem}_{place}' for place in corners((1, 1), (1, 1))), *turned)


def write(dataset: DataSet, manifest: str, out: Path, recipe: Recipe, advance: Advance = silent) -> dict[str, int]:
    """Write the crops of a checked data set below ``out`` as a ``folder`` data set; return how many each split has.

    Labels hold training values. Where there is no val split, which a folder needs, test takes its name. A photograph
    whose crops are there is not read again; ``classes.txt``, without which the folder is no data set, comes last.

    Args:
        manifest: SHA-256 of the data set's content, as the check returned it.
        advance: called with 1 after each photograph.

    Raises:
        DataError: ``out`` holds other crops or other files, two photographs of a split share a stem, or ``out`` cannot
            be written.
    """
    from concurrent.futures import ThreadPoolExecutor

    _refuse_equal_stems(dataset)
    try:
        _claim(out, {'data set': dataset.name, 'manifest': manifest, **asdict(recipe)})
        jobs = [(split, pair) for split, pairs in dataset.splits.items() for pair in pairs]
        # Decoding and encoding release the interpreter lock.
        with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
            for _ in pool.map(lambda job: _write_crops(dataset, job[0], job[1], out, recipe), jobs):
                advance(1)
        write_whole(out / 'classes.txt', ''.join(f'{name}\n' for name in dataset.classes))
    except OSError as error:
        raise DataError(f'cannot write crops to {out}: {error.strerror or error}') from error
    return {
        stored_as(dataset, split): len(pairs) * len(names(recipe, split, '')) for split, pairs in dataset.splits.items()
    }


def stored_as(dataset: DataSet, split: str) -> str:
    """Return the split of the folder that the crops of ``split`` go to."""
    return 'val' if split == dataset.test_split and 'val' not in dataset.splits else split


def _refuse_equal_stems(dataset: DataSet) -> None:
    for split, pairs in dataset.splits.items():
        stem, times = Counter(Path(pair.image).stem for pair in pairs).most_common(1)[0]
        if times > 1:
            raise DataError(f'{times} images of {dataset.name} ({split}) are called {stem}: crops need different names')


def _claim(out: Path, recipe: Mapping[str, object]) -> None:
    """Leave the recipe in ``out``, so that crops of two kinds never mix."""
    text = json.dumps(recipe, indent=1)
    note = out / RECIPE
    if note.is_file():
        if note.read_text(encoding='utf-8') != text:
            raise DataError(f'{out} holds crops that were made otherwise ({note} says how): name another folder')
    elif out.is_dir() and any(out.iterdir()):
        raise DataError(f'{out} is not empty and holds no crops: name a new or an empty folder')
    else:
        write_whole(note, text)


def _write_crops(dataset: DataSet, split: str, pair: Pair, out: Path, recipe: Recipe) -> None:
    stem = Path(pair.image).stem
    folder = stored_as(dataset, split)
    places = [_places(out, folder, name) for name in names(recipe, split, stem)]
    # The label is written after its image: where it is, both are.
    if all(label.is_file() for _, label in places):
        return
    image, label = _read(dataset, pair)
    made = _crops(image, label, split, stem, recipe, dataset.ignore_index)
    for (image_file, label_file), (image_crop, label_crop) in zip(places, made, strict=True):
        _save(image_file, image_crop)
        _save(label_file, label_crop)


def _places(out: Path, folder: str, name: str) -> tuple[Path, Path]:
    return out / 'images' / folder / f'{name}.png', out / 'labels' / folder / f'{name}.png'


def _read(dataset: DataSet, pair: Pair) -> 'tuple[NDArray[np.uint8], NDArray[np.uint8]]':
    """Return the image, BGR [h, w, 3] and upright as training reads it, and the training values of its label [h, w]."""
    import cv2
    import numpy as np

    from bench.data_sets import pictures

    content = np.frombuffer((dataset.root / pair.image).read_bytes(), np.uint8)
    image = np.asarray(cv2.imdecode(content, cv2.IMREAD_COLOR), np.uint8)
    table = np.arange(256, dtype=np.uint8)
    for stored, used in dataset.label_map.items():
        table[stored] = used
    label = table[pictures.decode_label((dataset.root / pair.label).read_bytes())]
    return image, label


def _crops(
    image: 'NDArray[np.uint8]', label: 'NDArray[np.uint8]', split: str, stem: str, recipe: Recipe, ignored: int
) -> 'Iterator[tuple[NDArray[np.uint8], NDArray[np.uint8]]]':
    """Yield the crops in the order of ``names``."""
    places = corners((label.shape[0], label.shape[1]), recipe.size)
    whole: Sequence[tuple[int, int]] = tuple(places.values()) if split == 'train' else (places['centre'],)
    for at in whole:
        yield cut(image, at, recipe.size, PADDED_PIXEL), cut(label, at, recipe.size, ignored)
    for degrees in angles(recipe, stem) if split == 'train' else ():
        turned = rotated(image, label, degrees, ignored)
        centre = places['centre']
        yield cut(turned[0], centre, recipe.size, PADDED_PIXEL), cut(turned[1], centre, recipe.size, ignored)


def _save(path: Path, picture: 'NDArray[np.uint8]') -> None:
    import cv2

    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f'.{path.name}.draft')
    # Not cv2.imwrite: it reports a full disk as False, or not at all.
    draft.write_bytes(cv2.imencode('.png', picture, [cv2.IMWRITE_PNG_COMPRESSION, 3])[1].tobytes())
    os.replace(draft, path)
