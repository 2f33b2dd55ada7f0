import os
import time

import numpy as np
import pytest

from custom_ops.transforms import pixel_cache
from custom_ops.transforms.pixel_cache import PixelCache

PLENTY = 2**30
VALUES = {'img_shape': (4, 6), 'seg_fields': ['gt'], 'scale_factor': (0.5, 0.25), 'keep_ratio': False}


def arrays(fill=0, shape=(4, 6, 3)):
    image = np.random.default_rng(fill).integers(0, 256, shape, dtype=np.uint8)
    return {'img': image, 'gt': image[..., 0].copy()}


def same(found, expected):
    return all(np.array_equal(found[name], expected[name]) for name in (*found, *expected))


def test_what_was_written_is_read_by_another_process_of_the_same_kind(tmp_path):
    assert PixelCache(tmp_path, 'kind', PLENTY).write('a', arrays(), VALUES)
    found, values = PixelCache(tmp_path, 'kind', PLENTY).read('a')
    assert same(found, arrays())
    assert values == VALUES
    assert PixelCache(tmp_path, 'other', PLENTY).read('a') is None


def test_an_array_may_be_changed_and_the_file_stays(tmp_path):
    cache = PixelCache(tmp_path, 'kind', PLENTY)
    cache.write('a', arrays(), {})
    found, _ = cache.read('a')
    found['img'][:] = 0
    assert same(cache.read('a')[0], arrays())


@pytest.mark.parametrize('damage', ['byte', 'cut', 'empty', 'zeros', 'text'])
def test_a_damaged_entry_counts_as_none(tmp_path, damage):
    PixelCache(tmp_path, 'kind', PLENTY).write('a', arrays(), VALUES)
    path = tmp_path / 'kind' / 'a'
    whole = path.read_bytes()
    flipped = whole[:-1] + bytes([whole[-1] ^ 1])
    path.write_bytes(
        {'byte': flipped, 'cut': whole[:-5], 'empty': b'', 'zeros': bytes(len(whole)), 'text': b'not an entry'}[damage]
    )
    assert PixelCache(tmp_path, 'kind', PLENTY).read('a') is None


@pytest.mark.parametrize(
    ('given', 'values'),
    [({'img': np.zeros((2, 2), np.float32)}, {}), ({'img': np.zeros((2, 2), np.uint8)}, {'made': object()})],
    ids=['floats', 'object'],
)
def test_what_cannot_be_kept_exactly_is_not_kept(tmp_path, given, values):
    cache = PixelCache(tmp_path, 'kind', PLENTY)
    assert not cache.write('a', given, values)
    assert cache.read('a') is None


@pytest.fixture
def spacious(monkeypatch):
    """As much of the disk as the limit says, however full the test machine's is."""
    monkeypatch.setattr(pixel_cache, 'SPARE_BYTES', 0)


def size_of(root):
    return sum(path.stat().st_size for path in root.rglob('*') if path.is_file())


def test_the_disk_is_not_filled_beyond_the_limit(tmp_path, spacious):
    """Several processes' caches in turn: none writes more once all together reached it."""
    limit = 40_000
    caches = [PixelCache(tmp_path, kind, limit) for kind in ('one', 'two')]
    written = [cache.write(str(index), arrays(index, (40, 30, 3)), {}) for index in range(30) for cache in caches]
    assert any(written)
    assert not all(written)
    # Each measures the disk once and then counts its own part.
    assert size_of(tmp_path) <= 2 * limit


def test_a_kind_unused_for_long_makes_room(tmp_path, spacious):
    old, kept = PixelCache(tmp_path, 'old', PLENTY), PixelCache(tmp_path, 'kept', PLENTY)
    for cache in (old, kept):
        cache.write('a', arrays(1, (100, 100, 3)), {})
    long_ago = time.time() - 10 * pixel_cache.IN_USE_SEC
    os.utime(tmp_path / 'old', (long_ago, long_ago))
    limit = size_of(tmp_path)
    assert PixelCache(tmp_path, 'new', limit).write('a', arrays(2, (50, 50, 3)), {})
    assert old.read('a') is None
    assert same(kept.read('a')[0], arrays(1, (100, 100, 3)))


def test_without_room_nothing_is_written_and_nothing_raised(tmp_path):
    assert not PixelCache(tmp_path, 'kind', 0).write('a', arrays(), {})
    (tmp_path / 'file').write_text('no folder')
    assert not PixelCache(tmp_path / 'file', 'kind', PLENTY).write('a', arrays(), {})
    assert PixelCache(tmp_path / 'file', 'kind', PLENTY).read('a') is None


def test_the_limit_is_read_from_the_environment(tmp_path, monkeypatch):
    monkeypatch.setenv(pixel_cache.LIMIT_VARIABLE, '0.5')
    assert PixelCache(tmp_path, 'kind').limit_bytes == 2**29
    monkeypatch.setenv(pixel_cache.LIMIT_VARIABLE, 'much')
    with pytest.raises(ValueError, match="SEGREPRO_PIXELS_GIB='much': must be a number of GiB; 0 caches nothing"):
        PixelCache(tmp_path, 'kind')
    with pytest.raises(ValueError, match='limit_bytes -1: must not be negative; 0 caches nothing'):
        PixelCache(tmp_path, 'kind', -1)
