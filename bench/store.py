"""The results folder: one sub-folder a run, one receipt in it, written once and atomically."""

import contextlib
import json
import os
import sys
from collections.abc import Iterator
from dataclasses import asdict, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

from bench.errors import NewerReceipt, ResultsInUse, StoreError
from bench.records import SCHEMA_VERSION, Receipt, Run, Status

if TYPE_CHECKING:
    from numpy.typing import NDArray

RECEIPT = 'receipt.json'
MATRICES = 'confusion.npz'
"""The confusion matrices of a run, one an image, and what else was counted of each: beside the receipt."""
_REQUIRED = ('schema_version', 'id', 'report', 'experiment', 'dataset', 'budget', 'seed', 'status', 'reason', 'key')
_KNOWN = frozenset(field.name for field in fields(Receipt))


def run_folder(results: Path, run: Run) -> Path:
    """Return where ``run`` lives below the results folder."""
    return results / run.folder


def write_atomically(path: Path, data: bytes | str) -> None:
    """Write a whole file or none: a reader never sees half of it, and a full disk leaves the old one.

    Raises:
        StoreError: the folder cannot be written to; names the path and the system's reason.
    """
    part = path.with_name(f'.{path.name}.{os.getpid()}.part')
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with part.open('wb') as out:
            out.write(data.encode() if isinstance(data, str) else data)
            out.flush()
            os.fsync(out.fileno())
        os.replace(part, path)
    except OSError as error:
        with contextlib.suppress(OSError):
            part.unlink()
        raise StoreError(f'cannot write {path}: {error.strerror or error}') from error


def write(results: Path, run: Run, receipt: Receipt) -> Path:
    """Store a run's receipt and return its path."""
    path = run_folder(results, run) / RECEIPT
    text = json.dumps(asdict(receipt), indent=1, allow_nan=False)
    write_atomically(path, text + '\n')
    return path


def parse(text: str, origin: str) -> Receipt:
    """Read a receipt's text.

    Raises:
        StoreError: not JSON, or a required key is missing; the message names ``origin``.
        NewerReceipt: a newer schema.
    """
    try:
        values = json.loads(text)
    except ValueError as error:
        raise StoreError(f'{origin}: not a whole JSON document ({error})') from error
    if not isinstance(values, dict):
        raise StoreError(f'{origin}: a receipt is a JSON object, not {type(values).__name__}')
    missing = [key for key in _REQUIRED if key not in values]
    if missing:
        raise StoreError(f'{origin}: a receipt needs {", ".join(_REQUIRED)}; missing: {", ".join(missing)}')
    if values['schema_version'] > SCHEMA_VERSION:
        raise NewerReceipt(
            f'{origin}: schema {values["schema_version"]} is newer than this program reads ({SCHEMA_VERSION}); '
            'update the program, or give it another results folder'
        )
    if values['status'] not in get_args(Status):
        raise StoreError(f'{origin}: status {values["status"]!r} is not one of {", ".join(get_args(Status))}')
    blocks = [field.name for field in fields(Receipt) if str(field.type).startswith('dict')]
    wrong = [name for name in blocks if not isinstance(values.get(name), dict | None)]
    if wrong:
        raise StoreError(f'{origin}: {", ".join(wrong)}: a JSON object or null, not {values[wrong[0]]!r:.40}')
    # JSON has no tuples.
    values['switches'] = tuple(values.get('switches', ()))
    return Receipt(**{key: value for key, value in values.items() if key in _KNOWN})


def read(results: Path, run: Run) -> Receipt | None:
    """Return the stored receipt of ``run``, or None; a corrupt one is set aside with a message.

    Raises:
        NewerReceipt: a newer program wrote it.
    """
    path = run_folder(results, run) / RECEIPT
    return _read_or_set_aside(path)


def read_whole(results: Path) -> list[tuple[Path, Receipt]]:
    """Return what ``read_all`` does, and change nothing in the folder.

    Raises:
        StoreError: a receipt cannot be read.
    """
    return [
        (path.parent, parse(path.read_text(encoding='utf-8', errors='replace'), str(path)))
        for path in _receipts(results)
    ]


def read_all(results: Path) -> list[tuple[Path, Receipt]]:
    """Return every readable receipt below ``results`` with its folder, sorted by path.

    Raises:
        NewerReceipt: a newer program wrote one of them.
    """
    return list(read_each(results))


def read_each(results: Path) -> Iterator[tuple[Path, Receipt]]:
    """Yield what ``read_all`` returns, one at a time."""
    for path in _receipts(results):
        receipt = _read_or_set_aside(path)
        if receipt is not None:
            yield path.parent, receipt


def read_matrices(folder: Path, *names: str) -> 'dict[str, NDArray[Any]]':
    """Return those of the arrays ``names`` that the run in ``folder`` stored beside its receipt; none without the file.

    A damaged file is told of and counts as none.
    """
    import zipfile

    import numpy as np

    path = folder / MATRICES
    try:
        with path.open('rb') as file, np.load(file) as stored:
            return {name: stored[name] for name in names if name in stored.files}
    except FileNotFoundError:
        return {}
    except (OSError, EOFError, ValueError, zipfile.BadZipFile) as error:
        print(f'left out: {path} cannot be read ({error})', file=sys.stderr)
        return {}


def read_timings(results: Path) -> list[dict[str, Any]]:
    """Return every readable record of ``run_all --cost`` below ``results``, each with its ``file``, sorted by path."""
    found = []
    for path in sorted(results.glob('*/*/cost-*.json')):
        with contextlib.suppress(OSError, ValueError):
            record = json.loads(path.read_text(encoding='utf-8'))
            if isinstance(record, dict) and record.get('status') == 'ok':
                found.append(record | {'file': str(path)})
    return found


def _receipts(results: Path) -> list[Path]:
    return sorted(results.glob(f'*/*/*/{RECEIPT}'))


def _read_or_set_aside(path: Path) -> Receipt | None:
    try:
        return parse(path.read_text(encoding='utf-8'), str(path))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except NewerReceipt:
        raise
    except (StoreError, UnicodeDecodeError) as error:
        aside = path.with_name(f'{RECEIPT}.corrupt')
        with contextlib.suppress(OSError):
            os.replace(path, aside)
        print(f'set aside as {aside.name}, the run will be repeated: {error}', file=sys.stderr)
        return None


@contextlib.contextmanager
def lock(results: Path, command: str) -> Iterator[None]:
    """Hold the results folder for one command at a time.

    Raises:
        ResultsInUse: another command holds it; the message names that command and its process.
        StoreError: the folder cannot be created or written to.
    """
    import filelock

    owner = results / '.lock.json'
    held = filelock.FileLock(results / '.lock', timeout=0)
    try:
        results.mkdir(parents=True, exist_ok=True)
        held.acquire()
    except filelock.Timeout as error:
        raise ResultsInUse(
            f'{results} is in use by {_describe(owner)}; wait for it or choose another --results'
        ) from error
    except OSError as error:
        raise StoreError(f'cannot write to the results folder {results}: {error.strerror or error}') from error
    try:
        write_atomically(owner, json.dumps({'pid': os.getpid(), 'command': command}))
        yield
    finally:
        with contextlib.suppress(OSError):
            owner.unlink(missing_ok=True)
        held.release()


def _describe(owner: Path) -> str:
    try:
        values: dict[str, Any] = json.loads(owner.read_text())
        return f'process {values["pid"]} ({values["command"]})'
    except (OSError, ValueError, KeyError):
        return 'another command'
