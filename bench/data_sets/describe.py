"""Describe a checked data set in tables."""

from bench.data_sets.advance import Advance, silent
from bench.data_sets.check import Manifest
from bench.data_sets.moments import colour_moments
from bench.records import DataSet


def describe(dataset: DataSet, manifest: Manifest, advance: Advance = silent) -> str:
    """Return two tables: colours (mean and deviation per channel and split, 0 to 255) and class areas (percent).

    Areas are shares of the pixels that have a class; a class that a split lacks is shown as ``-``.
    ``advance`` is called with 1 after each image.
    """
    from tabulate import tabulate

    colours = []
    for split, pairs in dataset.splits.items():
        mean, deviation = colour_moments(dataset.root, pairs, advance)
        colours.append([split, len(pairs), *mean, *deviation])
    heads = ['split', 'images', 'mean R', 'mean G', 'mean B', 'std R', 'std G', 'std B']
    splits = list(dataset.splits)
    areas = [
        [value, name, *(_share(manifest.class_pixels[split], value) for split in splits)]
        for value, name in enumerate(dataset.classes)
    ]
    return '\n\n'.join(
        [
            f'{dataset.name} in {dataset.root}, base size {dataset.base_size[0]}x{dataset.base_size[1]}',
            tabulate(colours, headers=heads, floatfmt='.2f'),
            tabulate(
                areas,
                headers=['value', 'class', *(f'{split} %' for split in splits)],
                floatfmt='.3f',
                missingval='-',
            ),
        ]
    )


def _share(pixels: list[int], value: int) -> float | None:
    """Return the class's share of the labelled pixels in percent, None where it has none."""
    return 100 * pixels[value] / sum(pixels) if pixels[value] else None
