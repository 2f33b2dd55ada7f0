"""The files of a finished run that is repeated: aside meanwhile, back if that is interrupted, one generation kept.

Files only, no torch. A run is repeated when its sources or its data changed, or when a child needs weights that were
not kept.
"""

import contextlib
import os
import shutil
from pathlib import Path

from bench import store
from bench.errors import StoreError
from bench.records import Receipt

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
    if not finished(folder):
        return
    aside = folder / ASIDE
    begun = (folder / ATTEMPT).exists()
    if not begun:
        shutil.rmtree(aside, ignore_errors=True)
    aside.mkdir(exist_ok=True)
    for file in list(folder.iterdir()):
        if file.name not in _PRESENT or (file.name == 'training' and not begun):
            _move(file, aside / file.name)


def put_back(folder: Path) -> bool:
    """Bring back what was set aside, but for checkpoints; return whether the folder is then that of a finished run."""
    aside = folder / ASIDE
    if (aside / store.RECEIPT).is_file():
        for file in list(aside.iterdir()):
            if file.name not in _PRESENT:
                _move(file, folder / file.name)
    return finished(folder)


def settle(folder: Path) -> None:
    """Take in that the repetition ended well: what was set aside stays there only if it says something else."""
    now, before = _receipt(folder), _receipt(folder / ASIDE)
    if now is None or before is None or now.key == before.key:
        shutil.rmtree(folder / ASIDE, ignore_errors=True)


def finished(folder: Path) -> bool:
    """Return whether the folder is that of a run that ended ``ok``."""
    receipt = _receipt(folder)
    return receipt is not None and receipt.status == 'ok'


def _receipt(folder: Path) -> Receipt | None:
    with contextlib.suppress(OSError, StoreError):
        return store.parse((folder / store.RECEIPT).read_text(encoding='utf-8'), '')
    return None


def _move(file: Path, to: Path) -> None:
    # A folder does not replace one that has files.
    if to.is_dir():
        shutil.rmtree(to)
    os.replace(file, to)
