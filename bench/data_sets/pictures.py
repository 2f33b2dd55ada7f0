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
ALWAYS_READ = ('JPEG', 'PNG')
"""Formats of which OpenCV, which training reads with, takes whatever Pillow takes."""
PNG, BITS, COLOURS = b'\x89PNG', 24, 25
"""How a PNG begins, and where it states its bits a sample and its kind of colours."""
STRETCHED = ((2, 0), (4, 0))
"""Grey levels of 2 or 4 bits."""


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


def check_image(content: bytes) -> Size:
    """Decode an image to its end and return its upright size (H, W).

    Raises:
        Unreadable: the bytes are no image, a truncated one, or one that training cannot read.
    """
    picture = _decode(content)
    if picture.format not in ALWAYS_READ:
        _pixels(content)
    return upright_size(picture)


def decode_image(content: bytes) -> 'NDArray[np.uint8]':
    """Return an image's pixels as training reads them: RGB uint8 [H, W, 3], upright.

    Raises:
        Unreadable: as ``check_image``.
    """
    # OpenCV fills up a truncated file and says nothing.
    _decode(content)
    return _pixels(content)[..., ::-1]


def decode_label(content: bytes) -> 'NDArray[np.uint8]':
    """Return a label map, uint8 [H, W], of stored values.

    Raises:
        Unreadable: the bytes are no image, a truncated one, or one with colours, 16 bits or stretched grey levels
            instead of class values.
    """
    import numpy as np

    picture = _decode(content)
    if content.startswith(PNG) and (content[BITS], content[COLOURS]) in STRETCHED:
        raise Unreadable(
            f'has {content[BITS]} bits a pixel, which decoders stretch to 8 and so change: save it with 8 bits'
        )
    if picture.mode not in LABEL_MODES:
        raise Unreadable(
            f'has pixels of kind {picture.mode}: a label is one channel of 8 bits that holds class values; '
            'save for each colour the value of its class, and 255 where there is none'
        )
    return np.asarray(picture).astype(np.uint8)


def _pixels(content: bytes) -> 'NDArray[np.uint8]':
    import cv2
    import numpy as np

    pixels = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR)
    if pixels is None:
        raise Unreadable('cannot be read by OpenCV, which training uses: save it as PNG or JPEG')
    return pixels.astype(np.uint8)


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
