"""Check a data set before anything is trained on it, and fingerprint its content.

Every file is decoded to its end once. The result is remembered under the sizes and modification times of all files, so
that a data set which has not changed costs one ``stat`` per file.
"""

import contextlib
import hashlib
import json
import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bench.data_sets import pictures
from bench.data_sets.advance import Advance, silent
from bench.data_sets.cache import write_whole
from bench.errors import DataError
from bench.records import DataSet, Pair

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

# Part of a remembered result's key: raise it when the rules below change.
RULES = 2
VALUES = 256
OTHER_KINDS = ('.jpg', '.jpeg', '.bmp', '.tif', '.tiff', '.webp')


@dataclass(frozen=True)
class Manifest:
    """What a checked data set holds.

    ``sha256`` depends on the names and contents of the files, the classes and the label map, and not on where the data
    set lies. ``images`` counts pairs and ``class_pixels`` pixels per class, in their order, for each split.
    """

    sha256: str
    images: dict[str, int]
    class_pixels: dict[str, list[int]]


@dataclass(frozen=True)
class Problem:
    """One broken rule: ``text`` is a whole sentence about one file, ``kind`` groups it with others of its sort."""

    kind: str
    text: str


@dataclass(frozen=True)
class _Seen:
    """What reading one pair gave: hashes of both files, pixels per stored label value [256], and broken rules."""

    image_sha256: str = ''
    label_sha256: str = ''
    counts: 'NDArray[np.int64] | None' = None
    problem: Problem | None = None


def check(dataset: DataSet, cache_dir: Path, advance: Advance = silent) -> Manifest:
    """Validate every file of a data set and return its manifest.

    Args:
        dataset: what to check; all of its splits are.
        cache_dir: where results are remembered; may be missing, read-only or corrupt without harm.
        advance: called with 1 after each pair that is read.

    Raises:
        DataError: a rule is broken: the message names the first offending file, the rule, and how many more there are.
    """
    for split, pairs in dataset.splits.items():
        if not pairs:
            raise DataError(f'{dataset.name}: split {split} is empty in {dataset.root}: each split needs an image')
    _refuse(dataset, _missing_partners(dataset))
    _refuse(dataset, _repeated_stems(dataset))
    store = cache_dir / 'checks' / f'{_signature(dataset)}.json'
    known = _recall(store, dataset)
    if known is not None:
        return known
    seen = _read_all(dataset, advance)
    _refuse(dataset, (one.problem for pairs in seen.values() for one in pairs if one.problem))
    manifest = _manifest(dataset, seen)
    for split, pixels in manifest.class_pixels.items():
        if not any(pixels):
            raise DataError(
                f'{dataset.name}: no pixel of split {split} is labelled: all of it is ignored, nothing is scored'
            )
    # Remembering saves seconds the next time; a cache that cannot be written must not stop a run.
    with contextlib.suppress(OSError):
        write_whole(store, json.dumps(asdict(manifest)))
    return manifest


def _refuse(dataset: DataSet, problems: Iterable[Problem]) -> None:
    found = list(problems)
    if not found:
        return
    more = Counter(problem.kind for problem in found)[found[0].kind] - 1
    rest = f' ({more} more file{"s" if more > 1 else ""} like this)' if more else ''
    raise DataError(f'{dataset.name} in {dataset.root}: {found[0].text}{rest}')


def _missing_partners(dataset: DataSet) -> Iterator[Problem]:
    for pair in _pairs(dataset):
        image, label = (dataset.root / pair.image).is_file(), (dataset.root / pair.label).is_file()
        if not image and not label:
            yield Problem('absent', f'{pair.image} and {pair.label} are missing: restore them, or fetch the data again')
        elif not label:
            others = (Path(pair.label).with_suffix(kind) for kind in OTHER_KINDS)
            there = next((other for other in others if (dataset.root / other).is_file()), None)
            if there:
                yield Problem('no png', f'{there} is no PNG: such files may change class values; save labels as PNG')
            else:
                yield Problem('no label', f'{pair.image} has no label: {pair.label} is missing')
        elif not image:
            yield Problem('no image', f'{pair.label} has no image: {pair.image} is missing (any image suffix will do)')


def _repeated_stems(dataset: DataSet) -> Iterator[Problem]:
    first: dict[str, str] = {}
    for pair in _pairs(dataset):
        other = first.setdefault(pair.label, pair.image)
        if other != pair.image:
            yield Problem('stem', f'{other} and {pair.image} share the label {pair.label}: a stem names one image')


def _pairs(dataset: DataSet) -> Iterator[Pair]:
    for pairs in dataset.splits.values():
        yield from pairs


def _signature(dataset: DataSet) -> str:
    """Return a key that changes with any file's name, size or time, and with how labels are understood."""
    digest = hashlib.sha256(repr((RULES, str(dataset.root.absolute()), _meaning(dataset))).encode())
    for split, pairs in dataset.splits.items():
        for path in (path for pair in pairs for path in (pair.image, pair.label)):
            status = os.stat(dataset.root / path)
            digest.update(f'{split}\t{path}\t{status.st_size}\t{status.st_mtime_ns}\n'.encode())
    return digest.hexdigest()


def _meaning(dataset: DataSet) -> str:
    mapped = sorted((int(stored), int(used)) for stored, used in dataset.label_map.items())
    return json.dumps([list(dataset.classes), mapped, dataset.ignore_index])


def _recall(store: Path, dataset: DataSet) -> Manifest | None:
    """Return a remembered manifest, None where there is none or it is damaged."""
    try:
        manifest = Manifest(**json.loads(store.read_text(encoding='utf-8')))
        sound = (
            len(bytes.fromhex(manifest.sha256)) == 32
            and manifest.images == {split: len(pairs) for split, pairs in dataset.splits.items()}
            and manifest.class_pixels.keys() == dataset.splits.keys()
            and all(len(row) == len(dataset.classes) for row in manifest.class_pixels.values())
        )
    except (OSError, ValueError, TypeError, AttributeError):
        return None
    return manifest if sound else None


def _read_all(dataset: DataSet, advance: Advance) -> dict[str, list[_Seen]]:
    from concurrent.futures import ThreadPoolExecutor

    allowed = allowed_values(dataset)

    def read(pair: Pair) -> _Seen:
        seen = _read(dataset, pair, allowed)
        advance(1)
        return seen

    # Decoding releases the interpreter lock, so threads use all cores and need no start-up.
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        return {split: list(pool.map(read, pairs)) for split, pairs in dataset.splits.items()}


def _read(dataset: DataSet, pair: Pair, allowed: frozenset[int]) -> _Seen:
    import numpy as np

    path = pair.image
    try:
        image = (dataset.root / pair.image).read_bytes()
        image_size = pictures.check_image(image)
        path = pair.label
        label = (dataset.root / pair.label).read_bytes()
        values = pictures.decode_label(label)
    except OSError as error:
        return _Seen(problem=Problem('unreadable', f'{path} cannot be read: {error.strerror or error}'))
    except pictures.Unreadable as error:
        return _Seen(problem=Problem('unreadable', f'{path} {error}'))
    if values.shape != image_size:
        sizes = f'{values.shape[0]}x{values.shape[1]} (HxW), its image {pair.image} is {image_size[0]}x{image_size[1]}'
        return _Seen(problem=Problem('size', f'{pair.label} is {sizes}: both must be of one size'))
    counts = np.bincount(values.ravel(), minlength=VALUES)
    strange = [int(value) for value in np.flatnonzero(counts) if int(value) not in allowed]
    if strange:
        rule = f'allowed are {spell_ranges(allowed - {dataset.ignore_index})} and {dataset.ignore_index} (ignored)'
        others = f' (also {", ".join(map(str, strange[1:6]))})' if strange[1:] else ''
        mended = '; store 255 where a pixel has no class' if dataset.name == 'folder' else ''
        return _Seen(problem=Problem('value', f'label value {strange[0]}{others} in {pair.label}: {rule}{mended}'))
    return _Seen(hashlib.sha256(image).hexdigest(), hashlib.sha256(label).hexdigest(), counts)


def allowed_values(dataset: DataSet) -> frozenset[int]:
    """Return the stored label values that mean something: the classes, the label map's keys, the ignored value."""
    return frozenset(range(len(dataset.classes))) | dataset.label_map.keys() | {dataset.ignore_index}


def spell_ranges(values: Iterable[int]) -> str:
    """Spell numbers as ranges: ``0..10, 12``."""
    ranges: list[list[int]] = []
    for value in sorted(values):
        if ranges and value == ranges[-1][1] + 1:
            ranges[-1][1] = value
        else:
            ranges.append([value, value])
    return ', '.join(f'{low}..{high}' if high > low else f'{low}' for low, high in ranges)


def _manifest(dataset: DataSet, seen: Mapping[str, list[_Seen]]) -> Manifest:
    lines = [
        f'{split}\t{path}\t{sha256}'
        for split, pairs in dataset.splits.items()
        for pair, one in zip(pairs, seen[split], strict=True)
        for path, sha256 in ((pair.image, one.image_sha256), (pair.label, one.label_sha256))
    ]
    digest = hashlib.sha256('\n'.join([_meaning(dataset), *sorted(lines)]).encode())
    return Manifest(
        sha256=digest.hexdigest(),
        images={split: len(pairs) for split, pairs in dataset.splits.items()},
        class_pixels={split: _class_pixels(dataset, ones) for split, ones in seen.items()},
    )


def _class_pixels(dataset: DataSet, seen: Iterable[_Seen]) -> list[int]:
    import numpy as np

    stored = np.sum([one.counts for one in seen if one.counts is not None], axis=0)
    pixels = [0] * len(dataset.classes)
    for value in allowed_values(dataset):
        used = dataset.label_map.get(value, value)
        if used != dataset.ignore_index:
            pixels[used] += int(stored[value])
    return pixels
