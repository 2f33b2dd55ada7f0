"""Unpack the archives in which data sets are handed out, never outside the folder that was asked for.

Every member is looked at before the first is written. Files are written whole or not at all, and one that is there with
the right size is kept, so that an interrupted unpacking continues. The rules are stricter than tarfile's data filter,
which lets some links pass, hold for zip files too, and need no recent Python.
"""

import os
import shutil
import stat
import tarfile
import tempfile
import zipfile
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath
from typing import IO

from bench.data_sets.advance import Advance, silent
from bench.errors import DataError

CHUNK_BYTES = 1 << 20


@dataclass(frozen=True)
class _Member:
    path: Path
    size_bytes: int
    open: Callable[[], IO[bytes]]


def unpack(file: Path, target: Path, wanted: tuple[str, ...] = ('',), advance: Advance = silent) -> int:
    """Unpack the tar or zip ``file`` below ``target`` and return how many files it holds there.

    Args:
        file: the archive.
        target: the folder to unpack into, made if need be; files in it that the archive does not hold are left alone.
        wanted: leading parts of the names of the members to unpack.
        advance: called with the bytes of each finished member.

    Raises:
        DataError: ``file`` is no archive or a damaged one; a member would be written outside ``target``, or is a link
            or a device; there is too little room, or ``target`` cannot be written.
    """
    try:
        with ExitStack() as stack:
            members = _members(file, target, wanted, stack)
            target.mkdir(parents=True, exist_ok=True)
            todo = [member for member in members if not _is_there(member)]
            _refuse_too_little_room(file, target, sum(member.size_bytes for member in todo))
            advance(sum(member.size_bytes for member in members) - sum(member.size_bytes for member in todo))
            for member in todo:
                _write(member, file)
                advance(member.size_bytes)
            return len(members)
    except (tarfile.TarError, zipfile.BadZipFile, EOFError) as error:
        raise DataError(f'{file} is damaged ({error}): get it again') from error
    except OSError as error:
        raise DataError(f'cannot unpack {file} to {target}: {error.strerror or error}') from error


def unpacked_bytes(file: Path, wanted: tuple[str, ...] = ('',)) -> int:
    """Return how many bytes ``unpack`` would write, all told.

    Raises:
        DataError: as ``unpack``.
    """
    try:
        with ExitStack() as stack:
            return sum(member.size_bytes for member in _members(file, Path('.'), wanted, stack))
    except (tarfile.TarError, zipfile.BadZipFile, EOFError, OSError) as error:
        raise DataError(f'{file} cannot be read ({error}): get it again') from error


def _members(file: Path, target: Path, wanted: tuple[str, ...], stack: ExitStack) -> list[_Member]:
    if not file.is_file():
        raise DataError(f'no archive {file}: name the file that was downloaded')
    if zipfile.is_zipfile(file):
        return _zip_members(stack.enter_context(zipfile.ZipFile(file)), file, target, wanted)
    if tarfile.is_tarfile(file):
        return _tar_members(stack.enter_context(tarfile.open(file)), file, target, wanted)
    raise DataError(f'{file} is neither a zip nor a tar archive: a download that broke off, or a web page instead?')


def _zip_members(archive: zipfile.ZipFile, file: Path, target: Path, wanted: tuple[str, ...]) -> list[_Member]:
    members = []
    for info in archive.infolist():
        # The upper half of the attributes holds Unix's file type; 0 where the archive was made elsewhere.
        kind = stat.S_IFMT(info.external_attr >> 16)
        if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
            raise _refused(info.filename, file, 'a link or a device')
        # zipfile cuts a name at a zero byte; what was stored tells more.
        path = _inside(target, info.orig_filename, file)
        if not info.is_dir() and _plain(info.filename).startswith(wanted):
            members.append(_Member(path, info.file_size, partial(archive.open, info)))
    return members


def _tar_members(archive: tarfile.TarFile, file: Path, target: Path, wanted: tuple[str, ...]) -> list[_Member]:
    members = []
    for info in archive:
        if not (info.isreg() or info.isdir()):
            raise _refused(info.name, file, 'a link or a device')
        path = _inside(target, info.name, file)
        if info.isreg() and _plain(info.name).startswith(wanted):
            members.append(_Member(path, info.size, partial(_content, archive, info)))
    return members


def _content(archive: tarfile.TarFile, info: tarfile.TarInfo) -> IO[bytes]:
    content = archive.extractfile(info)
    if content is None:
        raise DataError(f'{info.name} of {archive.name!s} is no file')
    return content


def _inside(target: Path, name: str, file: Path) -> Path:
    """Return where the member ``name`` goes; a folder below ``target`` that is a link elsewhere is caught too."""
    plain = PurePosixPath(name)
    odd = '\\' in name or ':' in name or any(ord(mark) < 32 for mark in name)
    if odd or plain.is_absolute() or '..' in plain.parts or not name:
        raise _refused(name, file, 'no plain path below it')
    path = target / plain
    if not path.parent.resolve().is_relative_to(target.resolve()) or path.is_symlink():
        raise _refused(name, file, f'by a link in {target} outside it')
    return path


def _plain(name: str) -> str:
    """Return a member's name without a leading ``./``."""
    return PurePosixPath(name).as_posix()


def _refused(name: str, file: Path, what: str) -> DataError:
    return DataError(
        f'member {name!r} of {file} is {what}: only plain files inside the target folder are unpacked; '
        'nothing was written'
    )


def _is_there(member: _Member) -> bool:
    return member.path.is_file() and member.path.stat().st_size == member.size_bytes


def _refuse_too_little_room(file: Path, target: Path, needed_bytes: int) -> None:
    free = shutil.disk_usage(target).free
    if needed_bytes > free:
        raise DataError(
            f'{file} needs {needed_bytes / 1e9:.1f} GB in {target}, {free / 1e9:.1f} GB are free: name another folder'
        )


def _write(member: _Member, file: Path) -> None:
    member.path.parent.mkdir(parents=True, exist_ok=True)
    handle, draft = tempfile.mkstemp(dir=member.path.parent, prefix=f'.{member.path.name}.')
    try:
        with os.fdopen(handle, 'wb') as written, member.open() as stored:
            shutil.copyfileobj(stored, written, CHUNK_BYTES)
            size = written.tell()
        if size != member.size_bytes:
            raise DataError(f'{file} ends within {member.path.name}: get it again')
        # mkstemp makes files private; data is shared like any other file.
        os.chmod(draft, 0o644)
        os.replace(draft, member.path)
    except BaseException:
        Path(draft).unlink(missing_ok=True)
        raise
