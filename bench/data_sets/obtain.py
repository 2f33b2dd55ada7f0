"""Bring a data set onto this machine: download what may be downloaded, unpack it, look whether all is there."""

from collections.abc import Sequence
from pathlib import Path

from bench.data_sets import registry
from bench.data_sets.advance import advancing
from bench.data_sets.archive import Archive
from bench.data_sets.fetch import fetch, verify
from bench.data_sets.unpack import unpack, unpacked_bytes
from bench.errors import DataError
from bench.records import DataSet


def obtain(name: str, out: Path, given: Sequence[Path] = ()) -> DataSet:
    """Unpack data set ``name`` below ``out`` and return it as found there.

    Args:
        name: one of ``registry.NAMES``.
        out: the folder that becomes the data set's root.
        given: archives that are on this machine, under their official names; none: they are downloaded into ``out``.

    Raises:
        DataError: the owners want users to register and no archive is given, an archive has another name or content
            than the official one, it cannot be unpacked, or the data set is not complete afterwards.
    """
    archives = registry.archives(name)
    for archive, file in [_matched(name, archives, file) for file in given] or [
        (archive, _downloaded(name, archive, out)) for archive in archives
    ]:
        with advancing(f'unpacking {file.name}', unpacked_bytes(file, archive.wanted), in_bytes=True) as advance:
            unpack(file, out, archive.wanted, advance)
    return registry.find(name, out)


def _matched(name: str, archives: Sequence[Archive], file: Path) -> tuple[Archive, Path]:
    for archive in archives:
        if archive.name == file.name:
            if not file.is_file():
                raise DataError(f'no archive {file}: name the file that was downloaded')
            verify(file, archive)
            return archive, file
    raise DataError(
        f'{file.name} is no archive of {name}: official names are {", ".join(archive.name for archive in archives)}'
    )


def _downloaded(name: str, archive: Archive, out: Path) -> Path:
    if not archive.url:
        raise DataError(
            f'{archive.name} is not downloaded here, its owners ask every user to register: get it and name it with '
            f'--archive; `data.py {name}` says where'
        )
    with advancing(f'downloading {archive.name}', archive.size_bytes or 0, in_bytes=True) as advance:
        return fetch(archive, out, advance)
