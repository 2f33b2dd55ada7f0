"""Say how far a long job has come: a bar on a terminal, a line now and then in a log."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TextIO

Advance = Callable[[int], None]
LINE_EVERY_SEC = 10.0


def silent(amount: int) -> None:
    """Take in progress and say nothing."""


@contextmanager
def advancing(
    what: str,
    total: int,
    *,
    in_bytes: bool = False,
    stream: TextIO | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> Iterator[Advance]:
    """Show the progress of ``what``; the value is a function to call with each amount done, from any thread.

    Args:
        what: a few words, ``reading cityscapes19`` for instance.
        total: the amount that is all of it: items, or bytes where ``in_bytes``.
        stream: where to write; standard error if none. A log gets a line every ten seconds, so that a job that is over
            sooner leaves none.
        clock: seconds, for the log's lines.
    """
    stream = stream or sys.stderr
    if stream.isatty():
        with _bar(what, total, in_bytes, stream) as advance:
            yield advance
    else:
        yield _Lines(what, total, in_bytes, stream, clock)


@contextmanager
def _bar(what: str, total: int, in_bytes: bool, stream: TextIO) -> Iterator[Advance]:
    from rich import progress
    from rich.console import Console

    count = progress.DownloadColumn() if in_bytes else progress.MofNCompleteColumn()
    columns = (progress.TextColumn('{task.description}'), progress.BarColumn(), count, progress.TimeRemainingColumn())
    with progress.Progress(*columns, console=Console(file=stream), transient=True) as shown:
        task = shown.add_task(what, total=total)
        yield lambda amount: shown.advance(task, amount)


class _Lines:
    def __init__(self, what: str, total: int, in_bytes: bool, stream: TextIO, clock: Callable[[], float]):
        self._what, self._total, self._stream, self._clock = what, total, stream, clock
        self._spell = _megabytes if in_bytes else str
        self._done = 0
        self._said = clock()

    def __call__(self, amount: int) -> None:
        self._done += amount
        if self._clock() - self._said >= LINE_EVERY_SEC:
            self._said = self._clock()
            print(f'{self._what}: {self._spell(self._done)} of {self._spell(self._total)}', file=self._stream)


def _megabytes(amount: int) -> str:
    return f'{amount / 1e6:,.0f} MB'
