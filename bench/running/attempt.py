"""What the stages of one run share inside its process, and the request to stop."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mmengine.config import Config

from bench import stages
from bench.errors import Interrupted
from bench.records import Job

Report = Callable[[dict[str, Any]], None]
_stop = False


def request_stop() -> None:
    """Ask the run in this process to save what it has and end (called by a signal handler)."""
    global _stop
    _stop = True


def stop_requested() -> bool:
    """Whether this process was asked to end its run."""
    return _stop


@dataclass(frozen=True)
class Attempt:
    """One attempt at a run: ``folder`` is the run's, ``report`` takes progress messages, plain dicts."""

    job: Job
    folder: Path
    report: Report
    experiment: Config
    protocol: stages.Protocol

    def enter(self, part: str) -> None:
        """Say that ``part`` of the run begins.

        Raises:
            Interrupted: the run was asked to stop.
        """
        self.check(f'before {part!r}')
        self.report({'kind': 'stage', 'stage': part})

    def check(self, where: str) -> None:
        """Raise ``Interrupted`` if the run was asked to stop."""
        if _stop:
            raise Interrupted(f'asked to stop {where}')

    @property
    def training(self) -> Path:
        """Where checkpoints and the trainer's own logs lie."""
        return self.folder / 'training'

    def parent(self, experiment: str) -> Path:
        """Return the folder of the finished run of ``experiment`` that this one starts from."""
        return self.job.results / experiment / self.job.run.variant
