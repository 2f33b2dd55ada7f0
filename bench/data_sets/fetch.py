"""Download an archive: what has arrived is kept and continued (HTTP range), and only a file whose checksum fits is used.

The common Python downloaders start over when a connection breaks, which 2 GB over a slow line do not survive.
"""

import hashlib
import http.client
import os
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

from bench.data_sets.advance import Advance, silent
from bench.data_sets.unpack import CHUNK_BYTES, Archive
from bench.errors import DataError

TIMEOUT_SEC = 60.0
FRUITLESS_TRIES = 5
"""Give up after this many connections in a row that brought nothing."""


class _Dropped(Exception):
    """A connection failed or broke; trying again may help."""


def fetch(archive: Archive, folder: Path, advance: Advance = silent, sleep: Callable[[float], None] = time.sleep) -> Path:
    """Download ``archive`` into ``folder`` unless it is there, verify it, and return the file.

    What has arrived lies in ``<name>.part`` until the file is whole; a later call continues it. Of two calls at once,
    the second waits for the first.

    Args:
        archive: states ``url``, ``size_bytes`` and ``sha256``.
        folder: made if need be.
        advance: called with the bytes of each chunk, first with those that were there.
        sleep: waits the given seconds between tries.

    Raises:
        DataError: the server does not answer or has no such file, the content has another checksum, or ``folder``
            cannot be written.
    """
    from filelock import FileLock

    if not archive.url or archive.size_bytes is None or archive.sha256 is None:
        raise DataError(f'{archive.name} is not downloaded here: its owners ask every user to register')
    target = folder / archive.name
    part = folder / f'{archive.name}.part'
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with FileLock(folder / f'.{archive.name}.lock'):
            if target.is_file():
                verify(target, archive)
                advance(archive.size_bytes)
                return target
            _receive_all(archive, part, archive.size_bytes, advance, sleep)
            try:
                verify(part, archive)
            except DataError:
                # Continuing a file with wrong content could never succeed.
                part.unlink()
                raise
            os.replace(part, target)
    except OSError as error:
        raise DataError(f'cannot write {target}: {error.strerror or error}') from error
    return target


def verify(file: Path, archive: Archive) -> None:
    """Compare a file with the size and the checksum that are known of ``archive``, if any.

    Raises:
        DataError: they differ.
        OSError: the file cannot be read.
    """
    size = file.stat().st_size
    if archive.size_bytes is not None and size != archive.size_bytes:
        raise DataError(f'{file} has {size} bytes, {archive.name} has {archive.size_bytes}: delete it and get it again')
    if archive.sha256 is None:
        return
    with file.open('rb') as content:
        found = hashlib.file_digest(content, 'sha256').hexdigest()
    if found != archive.sha256:
        raise DataError(f'{file} has SHA-256 {found}, not {archive.sha256}: delete it and get it again')


def _receive_all(archive: Archive, part: Path, size: int, advance: Advance, sleep: Callable[[float], None]) -> None:
    counted = 0
    fruitless = 0
    while (have := _size(part)) < size:
        advance(have - counted)
        try:
            for chunk in _chunks(archive.url, part, have):
                advance(chunk)
                have += chunk
            raise _Dropped(f'the connection ended after {have} of {size} bytes')
        except _Dropped as reason:
            counted = have
            arrived = _size(part)
            if arrived >= size:
                continue
            fruitless = 0 if arrived > 0 and arrived == have and counted else fruitless + 1
            if fruitless >= FRUITLESS_TRIES:
                raise DataError(f'cannot download {archive.url}: {reason}; run the command again to continue') from None
            sleep(2.0**fruitless)
    advance(have - counted)


def _size(path: Path) -> int:
    return path.stat().st_size if path.is_file() else 0


def _chunks(url: str, part: Path, have: int) -> Iterator[int]:
    raise NotImplementedError
