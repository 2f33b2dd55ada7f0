import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from bench.data_sets import pictures


def grey_png(values: np.ndarray, bits: int) -> bytes:
    """A PNG of grey levels [H, W] with 1, 2, 4 or 8 bits each, written by hand: Pillow writes 8 alone."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack('>I', len(data)) + kind + data + struct.pack('>I', zlib.crc32(kind + data))

    height, width = values.shape
    digits = ((values[..., None] >> np.arange(bits)[::-1]) & 1).reshape(height, -1).astype(np.uint8)
    rows = b''.join(b'\0' + np.packbits(row).tobytes() for row in digits)
    head = struct.pack('>IIBBBBB', width, height, bits, 0, 0, 0, 0)
    return b'\x89PNG\r\n\x1a\n' + chunk(b'IHDR', head) + chunk(b'IDAT', zlib.compress(rows)) + chunk(b'IEND', b'')


@pytest.mark.parametrize('bits', [1, 8])
def test_a_grey_label_keeps_its_values(bits):
    values = np.random.default_rng(bits).integers(0, 2**bits, (5, 11))
    np.testing.assert_array_equal(pictures.decode_label(grey_png(values, bits)), values)


@pytest.mark.parametrize('bits', [2, 4])
def test_grey_levels_that_decoders_stretch_are_refused(bits):
    with pytest.raises(pictures.Unreadable, match=f'has {bits} bits a pixel, .* save it with 8 bits'):
        pictures.decode_label(grey_png(np.ones((3, 8), int), bits))


def test_a_palette_of_four_bits_keeps_its_values():
    picture = Image.fromarray(np.array([[0, 3, 15]], np.uint8), 'P')
    picture.putpalette(range(48))
    out = io.BytesIO()
    picture.save(out, 'PNG', bits=4)
    assert out.getvalue()[pictures.BITS] == 4
    assert pictures.decode_label(out.getvalue()).tolist() == [[0, 3, 15]]


def encoded(picture: Image.Image, kind: str, **options) -> bytes:
    out = io.BytesIO()
    picture.save(out, kind, **options)
    return out.getvalue()


def test_an_image_that_training_cannot_read_is_refused():
    with pytest.raises(pictures.Unreadable, match='cannot be read by OpenCV, which training uses'):
        pictures.check_image(encoded(Image.fromarray(np.ones((4, 6), np.float32)), 'TIFF'))


def test_pixels_are_those_of_training():
    deep = Image.fromarray(np.full((4, 6), 100 * 257, np.uint16))
    assert (pictures.decode_image(encoded(deep, 'PNG')) == 100).all(), '16 bits lose their lower half'
    exif = Image.Exif()
    exif[pictures.ORIENTATION] = 6
    content = encoded(Image.new('RGB', (6, 4), (200, 10, 30)), 'PNG', exif=exif)
    image = pictures.decode_image(content)
    assert image.shape[:2] == pictures.check_image(content) == (6, 4)
    assert image[0, 0].tolist() == [200, 10, 30]
