"""Write a report's files: the same receipts give the same bytes, and a file that is already right is not touched."""

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.errors import StoreError
from bench.experiments import Catalogue
from bench.records import Receipt
from bench.render.drawing import Drawing, beside
from bench.render.gather import Judged

if TYPE_CHECKING:
    from bench.render.document import Document

Timing = Mapping[str, Any]

PAGE = 'index.html'
MANIFEST = 'files.txt'
_FINGERPRINT = '.inputs'
_SOURCES = ('.py', '.j2', '.css', '.js')
_LIBRARIES = ('matplotlib', 'pandas', 'tabulate', 'jinja2', 'pillow')


def contents(
    stored: Iterable[tuple[Path, Receipt]],
    catalogue: Catalogue,
    timings: Sequence[Timing] = (),
    judged: Judged | None = None,
    out: Path | None = None,
    drawing: Drawing | None = None,
) -> dict[str, bytes]:
    """Return every file of the report of these receipts, by its path relative to the report's folder ``out``.

    Links to receipts are relative to ``out``; without it there are none. ``drawing`` gives the pictures, see
    ``drawing.beside``; without it they are drawn here.
    """
    # pandas and matplotlib take a second to import: callers that only ask for freshness do not pay for them.
    from bench.render import document as documents
    from bench.render import page

    document = documents.build(stored, catalogue, timings, judged or Judged(), drawing)
    files = _sheets(document, catalogue, timings)
    files |= {PAGE: page.html(document, out), 'README.md': page.markdown(document)}
    for table in document.tables:
        files[f'tables/{table.name}.md'] = f'# {table.title}\n\n{table.markdown()}\n'
        files[f'tables/{table.name}.tex'] = f'{table.latex()}\n'
    encoded = {name: text.encode() for name, text in files.items()}
    encoded |= {picture.path: picture.data for picture in document.pictures}
    encoded[MANIFEST] = ''.join(f'{name}\n' for name in sorted(encoded)).encode()
    return dict(sorted(encoded.items()))


def _sheets(document: 'Document', catalogue: Catalogue, timings: Sequence[Timing]) -> dict[str, str]:
    """Return the CSV files."""
    from bench.render import accounts, frames, verdicts
    from bench.render.timings import frame as timed

    everything = frames.experiments(document.rows, catalogue)
    files = {
        'experiments.csv': frames.csv(everything),
        'runs.csv': frames.csv(frames.runs(document.rows)),
        'per_class.csv': frames.csv(frames.classes(document.rows)),
        'claims.csv': frames.csv(verdicts.frame(catalogue, document.judged)),
        'ledger.csv': frames.csv(accounts.frame(document.ledger)),
    }
    if timings:
        files['timings.csv'] = frames.csv(timed(timings))
    for section in document.sections:
        own = everything[everything['id'].str.startswith(f'{section.slug}/')]
        files[f'tables/{section.slug}.csv'] = frames.csv(own)
    return files


def write_report(
    stored: Iterable[tuple[Path, Receipt]],
    catalogue: Catalogue,
    out: Path,
    timings: Sequence[Timing] = (),
    judged: Judged | None = None,
    drawing: Drawing | None = None,
) -> Path:
    """Write the report of these receipts into ``out`` and return its page.

    Files that an earlier report left there and this one does not have are removed; no other file is.

    Raises:
        StoreError: ``out`` cannot be written to; names the path and the system's reason.
    """
    files = contents(stored, catalogue, timings, judged, out, drawing)
    try:
        leftover = listed(out) - set(files)
        for name, data in files.items():
            _write(out / name, data)
        for name in leftover:
            (out / name).unlink(missing_ok=True)
        (out / _FINGERPRINT).unlink(missing_ok=True)
    except OSError as error:
        raise StoreError(f'cannot write the report to {out}: {error.strerror or error}') from error
    return out / PAGE


def refresh(
    stored: Iterable[tuple[Path, Receipt]],
    catalogue: Catalogue,
    out: Path,
    timings: Sequence[Timing] = (),
    judge: Callable[[], Judged] = Judged,
) -> tuple[Path, bool]:
    """Write the report unless ``out`` already holds that of the same inputs; return its page and whether it did.

    The inputs are hashed: receipts, the files beside them that figures read, the catalogue, the code and the
    versions of the libraries. Nothing heavy is imported, and nothing judged, when there is nothing to do.
    """
    stored = list(stored)
    wanted = fingerprint(stored, catalogue, timings)
    note = out / _FINGERPRINT
    whole = all((out / name).is_file() for name in listed(out)) and (out / PAGE).is_file()
    if whole and note.is_file() and note.read_text() == wanted:
        return out / PAGE, False
    with beside(stored, catalogue) as drawing:
        page = write_report(stored, catalogue, out, timings, judge(), drawing)
    _write(note, wanted.encode())
    return page, True


def stale(
    stored: Iterable[tuple[Path, Receipt]],
    catalogue: Catalogue,
    out: Path,
    timings: Sequence[Timing] = (),
    judged: Judged | None = None,
    drawing: Drawing | None = None,
) -> list[str]:
    """Return the files of ``out`` that are missing, different or left over, with which of these they are."""
    files = contents(stored, catalogue, timings, judged, out, drawing)
    problems = {name: 'left over' for name in listed(out) - set(files)}
    for name, data in files.items():
        path = out / name
        if not path.is_file():
            problems[name] = 'missing'
        elif path.read_bytes() != data:
            problems[name] = 'different'
    return [f'{name}: {problem}' for name, problem in sorted(problems.items())]


def fingerprint(stored: Iterable[tuple[Path, Receipt]], catalogue: Catalogue, timings: Sequence[Timing] = ()) -> str:
    """Return a hash of everything that the report depends on."""
    digest = hashlib.sha256()
    for folder, receipt in sorted(stored, key=lambda one: one[1].id):
        digest.update(json.dumps(asdict(receipt), sort_keys=True).encode())
        beside = (folder / 'curves.csv', folder / 'lr_range.csv', folder / 'config.py')
        for path in (*beside, *sorted((folder / 'panels').glob('*'))):
            if path.is_file():
                digest.update(path.name.encode() + hashlib.sha256(path.read_bytes()).digest())
    digest.update(json.dumps(list(timings), sort_keys=True).encode())
    claims = dict(catalogue.claims)
    digest.update(repr((dict(catalogue.reports), dict(catalogue.experiments), claims)).encode())
    for name, path in sources().items():
        digest.update(name.encode() + hashlib.sha256(path.read_bytes()).digest())
    digest.update(repr([(name, metadata.version(name)) for name in _LIBRARIES]).encode())
    return digest.hexdigest()


def sources() -> dict[str, Path]:
    """Return the files, by their names below ``bench``, that shape a report of the same receipts."""
    # Judging and counting lie beside this package; all of it is hashed in no time.
    package = Path(__file__).parent.parent
    files = sorted(path for path in package.rglob('*') if path.suffix in _SOURCES)
    return {path.relative_to(package).as_posix(): path for path in files}


def listed(out: Path) -> set[str]:
    """Return the files that an earlier report in ``out`` says are its own; none outside ``out``."""
    manifest = out / MANIFEST
    names = manifest.read_text(encoding='utf-8').splitlines() if manifest.is_file() else []
    return {name for name in names if name and not Path(name).is_absolute() and '..' not in Path(name).parts}


def _write(path: Path, data: bytes) -> None:
    if path.is_file() and path.read_bytes() == data:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
