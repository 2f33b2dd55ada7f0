"""Read image and label files the way training does, and say plainly what is wrong with one that cannot be read."""

import io
from pathlib import Path
from typing import TYPE_CHECKING

from bench.records import Size

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from PIL.Image import Image

ORIENTATION = 0x0112
LABEL_MODES = ('L', 'P', '1')


class Unreadable(Exception):
    """A file that is no picture, or part of one; the message says which."""


def stored_size(path: Path) -> Size | None:
    """Return the size (H, W) that an image's header states, None where there is no readable header."""
    from PIL import Image

    try:
        with Image.open(path) as picture:
            return upright_size(picture)
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):
        return None


def upright_size(picture: 'Image') -> Size:
    """Return the size (H, W) after the rotation that a camera may have noted and that loaders of images apply."""
    width, height = picture.size
    turned = picture.getexif().get(ORIENTATION, 1) >= 5
    return (width, height) if turned else (height, width)


def decode_image(content: bytes) -> 'tuple[NDArray[np.uint8], Size]':
    """Return an image's pixels as stored, RGB uint8 [h, w, 3], and its upright size (H, W).

    Raises:
        Unreadable: the bytes are no image, or a truncated one.
    """
    import numpy as np

    picture = _decode(content)
    return np.asarray(picture.convert('RGB')), upright_size(picture)


def decode_label(content: bytes) -> 'NDArray[np.uint8]':
    """Return a label map, uint8 [H, W], of stored values.

    Raises:
        Unreadable: the bytes are no image, a truncated one, or one with colours or 16 bits instead of class values.
    """
    import numpy as np

    picture = _decode(content)
    if picture.mode not in LABEL_MODES:
        raise Unreadable(f'has pixels of kind {picture.mode}: a label is one channel of 8 bits that holds class values')
    return np.asarray(picture).astype(np.uint8)


def _decode(content: bytes) -> 'Image':
    from PIL import Image

    try:
        picture = Image.open(io.BytesIO(content))
        picture.load()
    except Image.UnidentifiedImageError:
        raise Unreadable('is no image' if content else 'is empty') from None
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise Unreadable(f'cannot be decoded to its end ({error})') from None
    return picture
