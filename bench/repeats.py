"""The files of a finished run while it is repeated: aside until the repetition ends well, back if that is interrupted.

Files only, no torch. A run is repeated when its sources changed, or when a child needs weights that were not kept.
"""

import contextlib
import os
import shutil
from pathlib import Path

from bench import store
from bench.errors import StoreError

ASIDE = 'older'
"""The folder within a run's own where its earlier files wait."""
ATTEMPT = 'attempt.json'
"""Lies in the folder of a run that was begun and has not ended."""
_PRESENT = frozenset({ASIDE, ATTEMPT, 'log.txt', 'training'})
"""What belongs to the repetition."""


def set_aside(folder: Path) -> None:
    """Move the files of a run that ended ``ok`` aside, and leave the rest.

    Checkpoints go with them unless an attempt, which is then to go on, has begun its own.
    """
    if not _finished(folder):
        return
    aside = folder / ASIDE
    begun = (folder / ATTEMPT).exists()
    aside.mkdir(exist_ok=True)
    for file in folder.iterdir():
        if file.name not in _PRESENT or (file.name == 'training' and not begun):
            _move(file, aside / file.name)


def put_back(folder: Path) -> bool:
    """Bring back what was set aside, but for checkpoints; return whether the folder is then that of a finished run."""
    aside = folder / ASIDE
    if (aside / store.RECEIPT).is_file():
        for file in aside.iterdir():
            if file.name not in _PRESENT:
                _move(file, folder / file.name)
    return _finished(folder)


def drop(folder: Path) -> None:
    """Forget what was set aside: the repetition ended well."""
    shutil.rmtree(folder / ASIDE, ignore_errors=True)


def _finished(folder: Path) -> bool:
    with contextlib.suppress(OSError, StoreError):
        return store.parse((folder / store.RECEIPT).read_text(encoding='utf-8'), '').status == 'ok'
    return False


def _move(file: Path, to: Path) -> None:
    # A folder does not replace one that has files.
    if to.is_dir():
        shutil.rmtree(to)
    os.replace(file, to)
