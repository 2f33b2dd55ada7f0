"""Weights that runs hand on to runs: kept while a child needs them, then dropped. Files only, no torch."""

import contextlib
from collections.abc import Callable, Iterable
from pathlib import Path

from bench import repeats
from bench.records import Run, Status

MARK = '.for_children'
"""Lies beside checkpoints that nobody asked for but runs that start from them."""


def handed_on(results: Path, folder: str) -> bool:
    """Whether the last weights of the run in ``folder`` are on disk; of one that was begun again they are not."""
    begun = (results / folder / repeats.ATTEMPT).exists()
    return not begun and (results / folder / 'training' / 'last.pth').is_file()


def unfinished(runs: Iterable[Run], done: Callable[[Run], Status | None], results: Path) -> tuple[list[Run], set[str]]:
    """Return the runs still to do, in their order, and the folders of those whose weights they start from.

    A run that ended well is done again where a child needs its weights and they are gone. One that failed is not: it
    would fail again, and its children are skipped.

    Args:
        runs: parents before children.
        done: how a run with a valid receipt ended; None for one that is to be done.
    """
    todo: list[Run] = []
    needed: set[str] = set()
    for run in reversed(list(runs)):
        status = done(run)
        lost = status == 'ok' and run.folder in needed and not handed_on(results, run.folder)
        if status is not None and not lost:
            continue
        todo.append(run)
        needed.update(run.parents)
    return todo[::-1], needed


def mark(results: Path, folder: str) -> None:
    """Note that the weights of the run in ``folder`` are kept for its children alone."""
    (results / folder / 'training' / MARK).touch()


class Heirs:
    """Who still needs the weights that were kept for children alone; the last one to settle has them dropped.

    Args:
        results: the results folder.
        runs: all of the plan.
        pending: whether a run may yet need its parents' weights.
    """

    def __init__(self, results: Path, runs: Iterable[Run], pending: Callable[[Run], bool]):
        self._results = results
        self._waiting: dict[str, int] = {}
        planned = list(runs)
        for run in planned:
            for parent in run.parents if pending(run) else ():
                self._waiting[parent] = self._waiting.get(parent, 0) + 1
        for run in planned:
            self._drop_unless_needed(run.folder)

    def settled(self, run: Run) -> None:
        """Take in that ``run``, which was pending, is so no more."""
        for parent in run.parents:
            self._waiting[parent] -= 1
            self._drop_unless_needed(parent)
        self._drop_unless_needed(run.folder)

    def _drop_unless_needed(self, folder: str) -> None:
        training = self._results / folder / 'training'
        if self._waiting.get(folder) or not (training / MARK).exists():
            return
        with contextlib.suppress(FileNotFoundError):
            for file in (*training.glob('*.pth'), training / MARK):
                file.unlink()
