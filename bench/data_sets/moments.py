"""Means and deviations of a data set's colours, for the normalisation of its images."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from bench.data_sets import pictures
from bench.data_sets.advance import Advance, silent
from bench.errors import DataError
from bench.records import Pair

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Triple = tuple[float, float, float]


def colour_moments(root: Path, pairs: Sequence[Pair], advance: Advance = silent) -> tuple[Triple, Triple]:
    """Return the mean and the standard deviation of red, green and blue (0 to 255) over all pixels of the images.

    ``advance`` is called with 1 after each image.

    Raises:
        DataError: there are no images, or one cannot be decoded.
    """
    import os
    from concurrent.futures import ThreadPoolExecutor

    import numpy as np

    if not pairs:
        raise DataError(f'no images in {root}: colour statistics need at least one')

    def read(pair: Pair) -> 'NDArray[np.int64]':
        histogram = _histogram(root, pair)
        advance(1)
        return histogram

    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        total = np.sum(list(pool.map(read, pairs)), axis=0)
    values = np.arange(256)
    pixels = total.sum(axis=1)
    mean = total @ values / pixels
    deviation = np.sqrt(np.maximum(total @ values**2 / pixels - mean**2, 0))
    return _triple(mean), _triple(deviation)


def _histogram(root: Path, pair: Pair) -> 'NDArray[np.int64]':
    """Return counts [3, 256] of one image: whole numbers, so that the order of the images cannot matter."""
    import numpy as np

    try:
        image = pictures.decode_image((root / pair.image).read_bytes())
    except (OSError, pictures.Unreadable) as error:
        raise DataError(f'{pair.image} in {root}: {error}') from error
    return np.stack([np.bincount(image[..., channel].ravel(), minlength=256) for channel in range(3)])


def _triple(values: 'NDArray[np.float64]') -> Triple:
    red, green, blue = (float(value) for value in values)
    return red, green, blue
