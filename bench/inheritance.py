"""Weights that runs hand on to runs: kept while a child needs them, then dropped. Files only, no torch."""

import contextlib
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from bench.records import Run, Status

MARK = '.for_children'
"""Lies beside checkpoints that nobody asked for but runs that start from them."""


def handed_on(results: Path, folder: str) -> bool:
    """Whether the run in ``folder`` has its last weights on disk."""
    return (results / folder / 'training' / 'last.pth').is_file()


def unfinished(runs: Iterable[Run], done: Callable[[Run], bool], results: Path) -> tuple[list[Run], set[str]]:
    """Return the runs still to do, in their order, and the folders of those whose weights they start from.

    A finished run is done again where a child needs its weights and they are gone.

    Args:
        runs: parents before children.
        done: whether a run has a valid receipt.
    """
    todo: list[Run] = []
    needed: set[str] = set()
    for run in reversed(list(runs)):
        if done(run) and (run.folder not in needed or handed_on(results, run.folder)):
            continue
        todo.append(run)
        needed.update(run.parents)
    return todo[::-1], needed


def objection(run: Run, statuses: Mapping[str, Status], planned: Iterable[str]) -> str | None:
    """Return why ``run`` may not start: '' if it may, None if it has to wait, else the parent that failed."""
    for parent in run.parents:
        status = statuses.get(parent)
        if status is not None and status != 'ok':
            return f'starts from {parent}, which ended as {status}'
        if status is None and parent in planned:
            return None
    return ''


def mark(results: Path, folder: str) -> None:
    """Note that the weights of the run in ``folder`` are kept for its children alone."""
    (results / folder / 'training' / MARK).touch()


def release(results: Path, runs: Iterable[Run], pending: Callable[[Run], bool]) -> None:
    """Drop marked weights that no pending run starts from."""
    planned = list(runs)
    needed = {parent for run in planned if pending(run) for parent in run.parents}
    for run in planned:
        training = results / run.folder / 'training'
        if run.folder in needed or not (training / MARK).exists():
            continue
        with contextlib.suppress(FileNotFoundError):
            for file in (*training.glob('*.pth'), training / MARK):
                file.unlink()
