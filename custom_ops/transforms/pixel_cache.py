"""Decoded images and label maps on disk, read by mapping them into memory; shared by all processes of a machine.

One file an entry, written under another name and renamed: a reader sees a whole entry or none. What is lost, damaged or
does not fit is computed again by the caller; the cache never raises for what the disk does.
"""

import ast
import contextlib
import logging
import mmap
import os
import shutil
import struct
import threading
import time
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from mmengine.logging import print_log

Entry = tuple[dict[str, np.ndarray], dict[str, Any]]
"""Arrays of uint8 by name, and plain values (what ``repr`` writes and ``ast.literal_eval`` reads) by name."""

LIMIT_GIB = 20.0
LIMIT_VARIABLE = 'SEGREPRO_PIXELS_GIB'
SPARE_BYTES = 2 * 2**30
"""Free space that is left on the disk."""

IN_USE_SEC = 600.0
"""A folder that was read or written within so many seconds is not given up for another one."""

_HEAD = struct.Struct('<8sIII')
_MAGIC = b'segpix01'


class PixelCache:
    """Entries of one kind, for instance the resized training images of a data set, in ``root / kind``.

    All kinds below ``root`` together stay within ``limit_bytes`` (None: 20 GiB, or ``SEGREPRO_PIXELS_GIB``): kinds that
    were not used for the longest time go first, and where that is not enough nothing more is written.

    Raises:
        ValueError: the limit is negative or, in the variable, not a number.
    """

    def __init__(self, root: Path, kind: str, limit_bytes: int | None = None):
        self.folder = Path(root) / kind
        self.limit_bytes = _limit() if limit_bytes is None else limit_bytes
        if self.limit_bytes < 0:
            raise ValueError(f'limit_bytes {self.limit_bytes}: must not be negative; 0 caches nothing')
        self._checked: set[str] = set()
        self._unmeasured = 0
        self._room: int | None = None
        self._touched = 0.0

    def read(self, name: str) -> Entry | None:
        """Return the entry ``name``, None where there is none that is whole.

        The arrays are private: writing to them changes no file.
        """
        try:
            with (self.folder / name).open('rb') as file:
                view = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY)
        except (OSError, ValueError):
            return None
        self._touch()
        return self._parse(name, view)

    def write(self, name: str, arrays: Mapping[str, np.ndarray], values: Mapping[str, Any]) -> bool:
        """Store an entry and return whether it was stored.

        It is not where values are not plain, an array is not uint8, or there is no room.
        """
        about = repr(({key: array.shape for key, array in arrays.items()}, dict(values)))
        if any(array.dtype != np.uint8 for array in arrays.values()) or not _is_plain(about, values):
            return False
        parts: list[bytes | memoryview] = [about.encode()]
        parts += [np.ascontiguousarray(array).data.cast('B') for array in arrays.values()]
        checksum = 0
        for part in parts:
            checksum = zlib.crc32(part, checksum)
        size = sum(len(part) for part in parts)
        if not self._has_room(_HEAD.size + size):
            return False
        unfinished = self.folder / f'.{name}.{os.getpid()}.{threading.get_ident()}'
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with unfinished.open('wb', buffering=0) as file:
                file.write(_HEAD.pack(_MAGIC, len(parts[0]), size - len(parts[0]), checksum))
                for part in parts:
                    file.write(part)
            unfinished.replace(self.folder / name)
        except OSError as error:
            self._give_up(f'{error}')
            unfinished.unlink(missing_ok=True)
            return False
        self._touch()
        return True

    def _parse(self, name: str, view: mmap.mmap) -> Entry | None:
        if len(view) < _HEAD.size:
            return None
        magic, text_bytes, payload_bytes, checksum = _HEAD.unpack_from(view)
        if magic != _MAGIC or len(view) != _HEAD.size + text_bytes + payload_bytes:
            return None
        # Once a process: a machine that lost power may have kept a file's name and length but not its content.
        if name not in self._checked:
            if zlib.crc32(memoryview(view)[_HEAD.size :]) != checksum:
                return None
            self._checked.add(name)
        start = _HEAD.size + text_bytes
        shapes, values = ast.literal_eval(view[_HEAD.size : start].decode())
        arrays = {}
        for key, shape in shapes.items():
            size = int(np.prod(shape))
            arrays[key] = np.frombuffer(view, np.uint8, size, start).reshape(shape)
            start += size
        return arrays, values

    def _has_room(self, needed: int) -> bool:
        """Whether ``needed`` more bytes may be written; measures the disk now and then, not for every entry."""
        self._unmeasured += needed
        if self._room is None or (self._room > 0 and self._unmeasured > max(self._room // 16, 2**20)):
            self._room = self._measure()
            self._unmeasured = needed
        return self._unmeasured <= self._room

    def _measure(self) -> int:
        root = self.folder.parent
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            kinds = {kind: _size_of(kind) for kind in root.iterdir() if kind.is_dir()}
            room = self.limit_bytes - sum(kinds.values())
            for kind in sorted(kinds, key=_last_use):
                if room > self.limit_bytes // 2 or kind == self.folder or time.time() - _last_use(kind) < IN_USE_SEC:
                    continue
                shutil.rmtree(kind, ignore_errors=True)
                room += kinds[kind]
            return max(0, min(room, shutil.disk_usage(root).free - SPARE_BYTES))
        except OSError as error:
            self._give_up(f'{error}')
            return 0

    def _give_up(self, reason: str) -> None:
        self._room = 0
        print_log(f'images are decoded anew each time: {self.folder}: {reason}', 'current', logging.WARNING)

    def _touch(self) -> None:
        now = time.time()
        if now - self._touched > IN_USE_SEC / 10:
            self._touched = now
            with contextlib.suppress(OSError):
                os.utime(self.folder)


def _limit() -> int:
    given = os.environ.get(LIMIT_VARIABLE)
    try:
        return int(2**30 * (LIMIT_GIB if given is None else float(given)))
    except ValueError:
        raise ValueError(f'{LIMIT_VARIABLE}={given!r}: must be a number of GiB; 0 caches nothing') from None


def _is_plain(text: str, values: Mapping[str, Any]) -> bool:
    try:
        return ast.literal_eval(text)[1] == dict(values)
    except (ValueError, SyntaxError):
        return False


def _size_of(folder: Path) -> int:
    total = 0
    with os.scandir(folder) as entries:
        for entry in entries:
            try:
                total += entry.stat().st_size
            except FileNotFoundError:
                continue
    return total


def _last_use(folder: Path) -> float:
    try:
        return folder.stat().st_mtime
    except FileNotFoundError:
        return 0.0
