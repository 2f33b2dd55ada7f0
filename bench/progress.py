"""What a user sees while a plan runs: a live line on a terminal, plain lines in a log."""

import sys
import time
from collections import Counter
from collections.abc import Mapping
from typing import Any

from bench.execute.schedule import Named, Outcome
from bench.records import Forecast

SHOWN_SKIPPED = 3
"""Skipped runs that have a line each; where time is short they may be a hundred."""


class Progress:
    """Show the runs in progress, and when the whole plan is expected to end.

    Args:
        forecasts: expected needs by run folder.
        jobs: how many runs go on at once.
    """

    def __init__(self, forecasts: Mapping[str, Forecast], jobs: int):
        self._forecasts = forecasts
        self._waiting = _Waiting(forecasts)
        self._left: dict[str, float] = {}
        self._jobs = jobs
        self._total = len(forecasts)
        self._ended = 0
        self._started: dict[str, float] = {}
        self._lines: dict[str, str] = {}
        self._said: set[str] = set()
        self._skipped = 0
        self._live: Any = None

    def __enter__(self) -> 'Progress':
        if sys.stderr.isatty():
            from rich.console import Console
            from rich.live import Live

            self._live = Live(console=Console(stderr=True), refresh_per_second=4, transient=True)
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._skipped > SHOWN_SKIPPED:
            self._print(f'... and {self._skipped - SHOWN_SKIPPED} more skipped')
        if self._live is not None:
            self._live.stop()

    def event(self, job: Named, message: dict[str, Any]) -> None:
        """Take in a worker's message."""
        folder = job.folder
        match message['kind']:
            case 'start':
                self._started[folder] = time.monotonic()
                self._lines[folder] = 'starting'
                self._left[folder] = self._forecasts[folder].wall_sec
                self._waiting.remove(folder)
            case 'stage':
                self._lines[folder] = message['stage']
            case 'step':
                self._lines[folder] = f'step {message["step"]}/{message["of"]}  loss {message["loss"]:.4f}'
                self._left[folder] = self._remaining(folder, message['step'] / message['of'])
            case 'validate':
                self._lines[folder] = f'validated {message["image"]} images'
            case 'waiting':
                self._wait(folder, message['stage'])
            case 'score':
                self._lines[folder] = f'scored {message["image"]}/{message["of"]}'
        self._refresh()

    def ended(self, outcome: Outcome[Any]) -> None:
        """Take in how a run ended; prints one line."""
        folder = outcome.job.folder
        self._ended += 1
        began = self._started.pop(folder, None)
        spent = 0.0 if began is None else time.monotonic() - began
        if began is None:
            self._waiting.remove(folder)
        if outcome.status == 'ok':
            self._waiting.measured(folder, spent)
        self._left.pop(folder, None)
        self._lines.pop(folder, None)
        self._said.discard(folder)
        self._refresh()
        if outcome.status == 'skipped':
            self._skipped += 1
            if self._skipped > SHOWN_SKIPPED:
                return
        reason = f'  {outcome.reason}' if outcome.reason else ''
        self._print(f'[{self._ended}/{self._total}] {outcome.status:<12} {folder}  {spent:.1f} s{reason}')

    def _wait(self, folder: str, text: str) -> None:
        self._lines[folder] = text
        if folder not in self._said and self._live is None:
            self._said.add(folder)
            print(f'{folder} waits until nobody else uses the device', file=sys.stderr, flush=True)

    def _remaining(self, folder: str, share: float) -> float:
        spent = time.monotonic() - self._started[folder]
        return spent * (1 - share) / share if spent > 5 else self._forecasts[folder].wall_sec * (1 - share)

    def _eta_sec(self) -> float:
        shared = (sum(self._left.values()) + self._waiting.sec()) / self._jobs
        return max(shared, *self._left.values(), 0.0)

    def _refresh(self) -> None:
        if self._live is None:
            return
        from rich.text import Text

        lines = [f'  {folder}: {line}' for folder, line in self._lines.items()]
        head = f'{self._ended}/{self._total} runs ended, about {duration(self._eta_sec())} left'
        self._live.update(Text('\n'.join([head, *lines])))

    def _print(self, line: str) -> None:
        if self._live is not None:
            self._live.console.print(line, highlight=False, markup=False)
        else:
            print(f'{line}  (about {duration(self._eta_sec())} left)', file=sys.stderr, flush=True)


class _Waiting:
    """How long the runs that have not started will take: as long as another seed took, else as forecast.

    A forecast is scaled by what the runs before took over what had been forecast for them, all together: one brief run
    that was forecast badly says little of the others. Kept as sums, which are asked for after every run.
    """

    def __init__(self, forecasts: Mapping[str, Forecast]):
        self._forecasts = forecasts
        self._count: Counter[str] = Counter(map(_seedless, forecasts))
        self._known: dict[str, float] = {}
        self._known_sec = 0.0
        self._forecast_sec = sum(forecast.wall_sec for forecast in forecasts.values())
        self._spent_sec, self._expected_sec = 0.0, 0.0

    def remove(self, folder: str) -> None:
        """Take out a run that starts, or never will."""
        seedless = _seedless(folder)
        self._count[seedless] -= 1
        if seedless in self._known:
            self._known_sec -= self._known[seedless]
        else:
            self._forecast_sec -= self._forecasts[folder].wall_sec

    def measured(self, folder: str, spent_sec: float) -> None:
        """Take in how long a run took."""
        seedless, expected = _seedless(folder), self._forecasts[folder].wall_sec
        self._spent_sec += spent_sec
        self._expected_sec += expected
        before = self._known.get(seedless)
        if before is None:
            # What differs between seeds is not forecast.
            self._forecast_sec -= expected * self._count[seedless]
            before = 0.0
        self._known_sec += (spent_sec - before) * self._count[seedless]
        self._known[seedless] = spent_sec

    def sec(self) -> float:
        """Return the seconds of all runs that wait, one after another."""
        ratio = self._spent_sec / self._expected_sec if self._expected_sec else 1.0
        return max(0.0, self._known_sec) + max(0.0, self._forecast_sec) * ratio


def _seedless(folder: str) -> str:
    return folder.rsplit('-seed', 1)[0]


def duration(sec: float) -> str:
    """Return seconds in words short enough for a line: ``48 s``, ``12 min``, ``3.5 h``."""
    if sec < 90:
        return f'{sec:.0f} s'
    return f'{sec / 60:.0f} min' if sec < 5400 else f'{sec / 3600:.1f} h'
