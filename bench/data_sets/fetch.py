"""Download an archive: what has arrived is kept and continued (HTTP range), and only a file with its checksum is used.

The common Python downloaders start over when a connection breaks, which 2 GB over a slow line do not survive.
"""

import hashlib
import http.client
import os
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

from bench.data_sets.advance import Advance, silent
from bench.data_sets.archive import Archive
from bench.errors import DataError

CHUNK_BYTES = 1 << 20
TIMEOUT_SEC = 60.0
FRUITLESS_TRIES = 5
"""Give up after this many connections in a row that brought nothing."""


class _Dropped(Exception):
    """A connection failed or broke; trying again may help."""


def fetch(
    archive: Archive, folder: Path, advance: Advance = silent, sleep: Callable[[float], None] = time.sleep
) -> Path:
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
            _receive_all(archive.url, part, archive.size_bytes, advance, sleep)
            difference = _difference(part, archive)
            if difference:
                # Continuing a file with wrong content could never succeed.
                part.unlink()
                raise DataError(f'{difference}: it was deleted; run the command again')
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
    difference = _difference(file, archive)
    if difference:
        raise DataError(f'{difference}: delete it and get it again')


def _difference(file: Path, archive: Archive) -> str:
    size = file.stat().st_size
    if archive.size_bytes is not None and size != archive.size_bytes:
        return f'{file} has {size} bytes, not the {archive.size_bytes} of {archive.name}'
    if archive.sha256 is None:
        return ''
    with file.open('rb') as content:
        found = hashlib.file_digest(content, 'sha256').hexdigest()
    return '' if found == archive.sha256 else f'{file} has SHA-256 {found}, not {archive.sha256}'


def _receive_all(url: str, part: Path, size: int, advance: Advance, sleep: Callable[[float], None]) -> None:
    advance(_size(part))
    fruitless = 0
    while (have := _size(part)) < size:
        try:
            _continue(url, part, have, size, advance)
            reason = f'the connection ended after {_size(part)} of {size} bytes'
        except _Dropped as error:
            reason = str(error)
        fruitless = 0 if _size(part) > have else fruitless + 1
        if fruitless >= FRUITLESS_TRIES:
            raise DataError(f'cannot download {url}: {reason}; run the command again to continue')
        if _size(part) < size:
            sleep(2.0**fruitless)


def _size(path: Path) -> int:
    return path.stat().st_size if path.is_file() else 0


def _continue(url: str, part: Path, have: int, size: int, advance: Advance) -> None:
    """Append what one connection brings; a server that does not continue sends the whole file, which replaces it."""
    with _open(url, have) as response:
        continued = response.status == 206 and str(response.headers['Content-Range']).startswith(f'bytes {have}-')
        if have and not continued:
            advance(-have)
            have = 0
        with part.open('ab' if have else 'wb') as file:
            while have <= size and (chunk := _read(response)):
                file.write(chunk)
                have += len(chunk)
                advance(len(chunk))


def _open(url: str, have: int) -> http.client.HTTPResponse:
    request = urllib.request.Request(url, headers={'Range': f'bytes={have}-'} if have else {})
    try:
        return urllib.request.urlopen(request, timeout=TIMEOUT_SEC)
    except urllib.error.HTTPError as error:
        answer = f'the server answers {error.code} {error.reason}'
        if error.code >= 500 or error.code in (408, 429):
            raise _Dropped(answer) from error
        raise DataError(f'cannot download {url}: {answer}') from error
    except (OSError, http.client.HTTPException) as error:
        raise _Dropped(str(getattr(error, 'reason', error))) from error


def _read(response: http.client.HTTPResponse) -> bytes:
    try:
        return response.read(CHUNK_BYTES)
    except (OSError, http.client.HTTPException) as error:
        raise _Dropped(str(error)) from error
