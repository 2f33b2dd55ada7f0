"""Translate documented sizes to another data set. Pure; sizes are (height, width) in pixels."""

MIN_SIDE = 64
"""Every network here takes inputs of at least this many pixels a side."""

SMOKE_HEIGHT = 96
"""Image height of a smoke run; the width keeps the data set's ratio."""


def crop_size(documented: tuple[int, int], short_side: int, image: tuple[int, int], stride: int) -> tuple[int, int]:
    """Return the crop for images of size ``image`` that corresponds to a documented crop.

    A crop c that was taken from images of short side s covers c/s of it; the same share of ``image``'s short side,
    rounded to a multiple of the network's ``stride`` and at least 64; of images of short side s the crop itself.

    >>> crop_size((256, 256), 375, (360, 480), 64)
    (256, 256)
    >>> crop_size((513, 513), 513, (513, 1026), 16)
    (513, 513)
    """
    if min(image) == short_side:
        return documented
    share = min(image) / short_side
    height, width = (max(round(side * share / stride) * stride, _floor(stride)) for side in documented)
    return height, width


def _floor(stride: int) -> int:
    """Return the smallest multiple of ``stride`` that is at least ``MIN_SIDE``."""
    return -(-MIN_SIDE // stride) * stride


def parse_size(text: str) -> tuple[int, int]:
    """Read ``HxW``.

    Raises:
        ValueError: the text has another form, or a side is below 64.
    """
    height, cross, width = text.lower().partition('x')
    if not (cross and height.isdigit() and width.isdigit()):
        raise ValueError(f'size {text!r} is not of the form HEIGHTxWIDTH, 360x480 for instance')
    size = int(height), int(width)
    if min(size) < MIN_SIDE:
        raise ValueError(f'size {text!r}: both sides must be at least {MIN_SIDE} pixels')
    return size


def smoke_size(base: tuple[int, int]) -> tuple[int, int]:
    """Return the small size that smoke runs use on a data set of base size ``base``, at least 64 a side."""
    height = max(MIN_SIDE, min(SMOKE_HEIGHT, base[0]))
    return height, max(MIN_SIDE, round(base[1] * height / base[0] / 16) * 16)
