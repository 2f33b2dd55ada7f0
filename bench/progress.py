"""What a user sees while a plan runs: a live line on a terminal, plain lines in a log."""

import sys
import time
from collections.abc import Mapping
from typing import Any

from bench.execute.local import Named, Outcome
from bench.records import Forecast


class Progress:
    """Show the runs in progress, and when the whole plan is expected to end.

    Args:
        forecasts: expected needs by run folder.
        jobs: how many runs go on at once.
    """

    def __init__(self, forecasts: Mapping[str, Forecast], jobs: int):
        self._forecasts = dict(forecasts)
        self._left = {folder: forecast.wall_sec for folder, forecast in forecasts.items()}
        self._jobs = jobs
        self._total = len(forecasts)
        self._ended = 0
        self._started: dict[str, float] = {}
        self._lines: dict[str, str] = {}
        self._spent_over_forecast: list[float] = []
        self._live: Any = None

    def __enter__(self) -> 'Progress':
        if sys.stderr.isatty():
            from rich.console import Console
            from rich.live import Live

            self._live = Live(console=Console(stderr=True), refresh_per_second=4, transient=True)
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._live is not None:
            self._live.stop()

    def event(self, job: Named, message: dict[str, Any]) -> None:
        """Take in a worker's message."""
        folder = job.folder
        match message['kind']:
            case 'start':
                self._started[folder] = time.monotonic()
                self._lines[folder] = 'starting'
            case 'stage':
                self._lines[folder] = message['stage']
            case 'step':
                self._lines[folder] = f'step {message["step"]}/{message["of"]}  loss {message["loss"]:.4f}'
                self._left[folder] = self._remaining(folder, message['step'] / message['of'])
            case 'score':
                self._lines[folder] = f'scored {message["image"]}/{message["of"]}'
        self._refresh()

    def ended(self, outcome: Outcome[Any]) -> None:
        """Take in how a run ended; prints one line."""
        folder = outcome.job.folder
        self._ended += 1
        spent = time.monotonic() - self._started.get(folder, time.monotonic())
        if outcome.status == 'ok':
            self._spent_over_forecast.append(spent / self._forecasts[folder].wall_sec)
        self._left.pop(folder, None)
        self._lines.pop(folder, None)
        reason = f'  {outcome.reason}' if outcome.reason else ''
        self._print(f'[{self._ended}/{self._total}] {outcome.status:<12} {folder}  {spent:.1f} s{reason}')
        self._refresh()

    def _remaining(self, folder: str, share: float) -> float:
        spent = time.monotonic() - self._started[folder]
        return spent * (1 - share) / share if spent > 5 else self._forecasts[folder].wall_sec * (1 - share)

    def _eta_sec(self) -> float:
        ratio = sum(self._spent_over_forecast) / len(self._spent_over_forecast) if self._spent_over_forecast else 1.0
        left = sum(sec if folder in self._lines else sec * ratio for folder, sec in self._left.items())
        return left / self._jobs

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


def duration(sec: float) -> str:
    """Return seconds in words short enough for a line: ``48 s``, ``12 min``, ``3.5 h``."""
    if sec < 90:
        return f'{sec:.0f} s'
    return f'{sec / 60:.0f} min' if sec < 5400 else f'{sec / 3600:.1f} h'
