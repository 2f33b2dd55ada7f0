"""Decide which job of a plan starts next, and on which device. Starts nothing itself: an engine acts on what it says.

Every job is looked at a bounded number of times, so that the work grows with the number of jobs, not its square.
"""

from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from heapq import heappop, heappush
from typing import Generic, Protocol, TypeVar

from bench.records import Forecast, Status

LOOK_AHEAD = 32
"""How many of the next jobs are tried for one that fits into the memory that is left."""


class Named(Protocol):
    """What the engine knows of a job: a name; the rest is between the job and its worker."""

    @property
    def folder(self) -> str: ...


J = TypeVar('J', bound=Named)


@dataclass(frozen=True)
class Place:
    """A device that jobs share: ``slots`` at once, their forecast memory together within ``memory_bytes``.

    A job that alone is forecast to need more is tried alone.
    """

    device: str
    slots: int
    memory_bytes: int


@dataclass(frozen=True)
class Start(Generic[J]):
    """``job`` is to start on ``device``; the schedule counts it there until ``Schedule.ended``."""

    job: J
    device: str


@dataclass(frozen=True)
class Skip(Generic[J]):
    """``job`` is not to start, now or later, for ``reason``."""

    job: J
    reason: str


@dataclass(frozen=True)
class Outcome(Generic[J]):
    """How one run ended; ``stored`` says whether the worker stored a receipt itself."""

    job: J
    status: Status
    reason: str
    stored: bool


@dataclass
class _Share:
    place: Place
    jobs: int = 0
    memory_bytes: int = 0

    def room(self, need_bytes: int) -> bool:
        if self.jobs >= self.place.slots:
            return False
        return not self.jobs or self.memory_bytes + need_bytes <= self.place.memory_bytes


class Schedule(Generic[J]):
    """The order of a plan's jobs, made as they end.

    Args:
        jobs: in the order they should start, each folder once.
        places: the devices.
        need: what a job is expected to need; asked when it might start, so that it may use what ended before.
        parents: folders of the jobs that one has to wait for; one that is neither in ``jobs`` nor in ``statuses``
            is not waited for.
        statuses: how jobs ended that are not to be done again.
        at_once: jobs on all devices together (None: what the places allow).
        deadline: nothing starts that would end later, in the unit of ``next``'s ``now``.
    """

    def __init__(
        self,
        jobs: Sequence[J],
        places: Sequence[Place],
        *,
        need: Callable[[J], Forecast],
        parents: Callable[[J], Sequence[str]] = lambda job: (),
        statuses: Mapping[str, Status] | None = None,
        at_once: int | None = None,
        deadline: float | None = None,
    ):
        self._jobs = jobs
        self._need = need
        self._deadline = deadline
        self._at_once = at_once or sum(place.slots for place in places)
        self._shares = {place.device: _Share(place) for place in places}
        self._active: dict[str, tuple[str, int]] = {}
        self._waiting = bytearray(b'\1') * len(jobs)
        self._left = len(jobs)
        self._ready: list[int] = []
        self._refused: deque[tuple[int, str]] = deque()
        self._children: dict[str, list[int]] = {}
        self._unmet: dict[int, int] = {}
        self._order(parents, statuses or {})

    def _order(self, parents: Callable[[J], Sequence[str]], statuses: Mapping[str, Status]) -> None:
        planned = {job.folder for job in self._jobs}
        for index, job in enumerate(self._jobs):
            wanted = parents(job)
            failed = next(
                (one for one in wanted if one not in planned and statuses.get(one, 'ok') != 'ok'),
                None,
            )
            if failed is not None:
                self._refused.append((index, _failed(failed, statuses[failed])))
                continue
            unmet = [one for one in wanted if one in planned]
            for parent in unmet:
                self._children.setdefault(parent, []).append(index)
            if unmet:
                self._unmet[index] = len(unmet)
            else:
                # Appended in order, so it is a heap.
                self._ready.append(index)

    def __bool__(self) -> bool:
        """Whether anything is still to be started or skipped."""
        return self._left > 0

    def left(self) -> Iterator[J]:
        """Yield the jobs that were neither started nor skipped, in order."""
        return (job for job, waits in zip(self._jobs, self._waiting, strict=True) if waits)

    def next(self, now: float) -> Start[J] | Skip[J] | None:
        """Return the next thing to do at ``now``; None if everything has to wait for something to end."""
        while self._refused:
            index, reason = self._refused.popleft()
            if self._waiting[index]:
                return self._skip(index, reason)
        if len(self._active) >= self._at_once:
            return None
        passed_over: list[int] = []
        try:
            while self._ready and len(passed_over) < LOOK_AHEAD and self._any_slot():
                index = heappop(self._ready)
                job = self._jobs[index]
                need = self._need(job)
                if self._deadline is not None and now + need.wall_sec > self._deadline:
                    return self._skip(index, f'forecast {need.wall_sec:.0f} s: would end after --max-minutes')
                share = self._roomiest(need.memory_bytes)
                if share is not None:
                    return self._start(index, share, need.memory_bytes)
                passed_over.append(index)
        finally:
            for index in passed_over:
                heappush(self._ready, index)
        return None

    def ended(self, job: J, status: Status) -> None:
        """Take in how a job ended that had started: its place is free, its children may start or are skipped."""
        device, need_bytes = self._active.pop(job.folder)
        share = self._shares[device]
        share.jobs -= 1
        share.memory_bytes -= need_bytes
        self._settle(job.folder, status)

    def _start(self, index: int, share: _Share, need_bytes: int) -> Start[J]:
        job = self._leave(index)
        share.jobs += 1
        share.memory_bytes += need_bytes
        self._active[job.folder] = (share.place.device, need_bytes)
        return Start(job, share.place.device)

    def _skip(self, index: int, reason: str) -> Skip[J]:
        job = self._leave(index)
        self._settle(job.folder, 'skipped')
        return Skip(job, reason)

    def _leave(self, index: int) -> J:
        self._waiting[index] = 0
        self._left -= 1
        return self._jobs[index]

    def _settle(self, folder: str, status: Status) -> None:
        for index in self._children.pop(folder, ()):
            if status != 'ok':
                self._unmet.pop(index, None)
                self._refused.append((index, _failed(folder, status)))
            elif index in self._unmet:
                self._unmet[index] -= 1
                if not self._unmet[index]:
                    del self._unmet[index]
                    heappush(self._ready, index)

    def _any_slot(self) -> bool:
        return any(share.jobs < share.place.slots for share in self._shares.values())

    def _roomiest(self, need_bytes: int) -> _Share | None:
        fitting = [share for share in self._shares.values() if share.room(need_bytes)]
        return min(fitting, key=lambda share: (share.jobs, share.memory_bytes), default=None)


def _failed(parent: str, status: Status) -> str:
    return f'starts from {parent}, which ended as {status}'
