"""Pair image files with label files by stem, keeping what has no partner so that the check can name it."""

from pathlib import Path

from bench.records import Pair

IMAGE_SUFFIXES = ('.png', '.jpg', '.jpeg', '.bmp', '.tif', '.tiff', '.webp')


def pairs_of(root: Path, images: str, labels: str) -> tuple[Pair, ...]:
    """Return one pair per image in ``root/images`` and per label PNG in ``root/labels`` that has none, sorted.

    A missing partner is given the path it should have; two images of one stem give two pairs with one label.
    """
    by_stem: dict[str, list[str]] = {}
    for name in names_in(root / images, IMAGE_SUFFIXES):
        by_stem.setdefault(Path(name).stem, []).append(f'{images}/{name}')
    label_by_stem = {Path(name).stem: f'{labels}/{name}' for name in names_in(root / labels, ('.png',))}
    suffix = Path(next(iter(by_stem.values()))[0]).suffix if by_stem else '.png'
    return tuple(
        Pair(image=image, label=label_by_stem.get(stem, f'{labels}/{stem}.png'))
        for stem in sorted(by_stem.keys() | label_by_stem.keys())
        for image in by_stem.get(stem, [f'{images}/{stem}{suffix}'])
    )


def names_in(folder: Path, suffixes: tuple[str, ...]) -> list[str]:
    """Return the names of the files in ``folder`` with one of ``suffixes``, sorted; none where there is no folder."""
    if not folder.is_dir():
        return []
    # Hidden files are an operating system's droppings (._x.png), never data.
    return sorted(
        path.name for path in folder.iterdir() if path.suffix.lower() in suffixes and not path.name.startswith('.')
    )
