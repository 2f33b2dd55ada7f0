"""Who may use a device now: many trainings together, or one measurement alone. Holds across processes and commands.

A device has three lock files in the cache folder. ``use`` is shared by all that work and held alone by one that
measures; ``gate`` is held for a moment by whoever comes, and by a measurement from asking to its end. Everybody takes
``gate`` first and holds no ``use`` while waiting for it, so nobody waits in a circle. A training looks at the gate
after every step: finding it shut it lays its share of ``use`` down until the measurement is over. The look costs
microseconds, and a measurement begins within one step of the slowest training.

Whoever was alone for a while leaves the device to the others for as long before it, or the next one, asks again: many
measurements in a row let trainings have half of the time.

``here`` is shared by everybody from coming to leaving and grows by a byte with each who comes, so that a training can
tell whether it was alone throughout. The system drops the locks of a process that ends, however it ends.
"""

import contextlib
import fcntl
import math
import os
import struct
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from bench import devices

WAIT_SEC = 30.0
"""How long a measurement waits for the others to stand aside before it is taken among them, as ``contended``."""

_TURN = struct.Struct('dd')
"""When the last measurement ended and how long it lasted, in the gate's file."""

POLL_SEC = 0.002
"""How often a lock that is held by another is asked for again at first; the pause doubles up to the next value."""
LONGEST_POLL_SEC = 0.05


def nobody_asks(waited_sec: float) -> bool:
    """The ``waiting`` of a process that nothing but the lock can end."""
    return False


class Lease:
    """This process's share in the use of a device.

    Args:
        device: as in a run: ``cpu``, ``cuda`` or ``cuda:N``.
        folder: where the lock files lie, the same for all that should know of each other.
        waiting: called every second while this process waits, with the seconds so far; True ends the wait, for a
            process that was asked to end itself.
        finish: called before the device is left to others; returns when it has done all that this process gave it.
    """

    def __init__(
        self,
        device: str,
        folder: Path,
        waiting: Callable[[float], bool] = nobody_asks,
        finish: Callable[[], None] = lambda: None,
    ):
        # Named by the card: processes may see different ones as their first.
        base = folder / (device if device == 'cpu' else f'cuda-{devices.unique_card(device).replace("/", "-")}')
        base.mkdir(parents=True, exist_ok=True)
        flags = os.O_RDWR | os.O_CREAT
        self._gate, self._use, self._here = (os.open(base / name, flags, 0o666) for name in ('gate', 'use', 'here'))
        self._waiting, self._finish = waiting, finish
        self._came_as = 0
        self._found_others = False

    def join(self) -> None:
        """Begin to use the device with others, once nobody measures on it."""
        self._take(self._gate, fcntl.LOCK_EX)
        self._found_others = not self._take(self._here, fcntl.LOCK_EX, 0)
        self._take(self._here, fcntl.LOCK_SH)
        # Written under the gate: nobody else moves the end meanwhile.
        os.pwrite(self._here, b'.', os.fstat(self._here).st_size)
        self._came_as = os.fstat(self._here).st_size
        self._take(self._use, fcntl.LOCK_SH)
        _drop(self._gate)

    def leave(self) -> None:
        """End the use of the device."""
        for descriptor in (self._use, self._gate, self._here):
            with contextlib.suppress(OSError):
                # Closing alone would leave the lock with children that inherited the descriptor.
                _drop(descriptor)
                os.close(descriptor)

    def met_others(self) -> bool:
        """Whether anybody else used the device since ``join``, or was there already."""
        return self._found_others or os.fstat(self._here).st_size != self._came_as

    def give_way(self) -> float:
        """Stand aside while somebody measures; return for how many seconds."""
        if self._take(self._gate, fcntl.LOCK_SH, 0):
            _drop(self._gate)
            return 0.0
        began = time.monotonic()
        self._finish()
        _drop(self._use)
        self._share_again(gate_is_held=False)
        return time.monotonic() - began

    @contextmanager
    def alone(self, wait_sec: float | None) -> Iterator[bool]:
        """Yield whether the device is this process's alone for the enclosed block.

        Args:
            wait_sec: how long to wait for that, None for as long as it takes. Where the block then begins among
                others, it begins after the measurement of another that is under way.
        """
        until = None if wait_sec is None else time.monotonic() + wait_sec
        if wait_sec != 0:
            self._leave_them_a_turn(until)
        self._finish()
        _drop(self._use)
        asked = self._take(self._gate, fcntl.LOCK_EX, _left(until))
        got = asked and self._take(self._use, fcntl.LOCK_EX, _left(until))
        if not got:
            self._share_again(asked)
        began = time.monotonic()
        try:
            yield got
        finally:
            if got:
                now = time.monotonic()
                os.pwrite(self._gate, _TURN.pack(now, now - began), 0)
                self._share_again(gate_is_held=True)

    def _leave_them_a_turn(self, until: float | None) -> None:
        """Wait, where others are here, until they have had the device as long as the last measurement had it."""
        noted = os.pread(self._gate, _TURN.size, 0)
        if len(noted) < _TURN.size or not self.met_others():
            return
        # The clock of the system, the same in all processes; one that was started anew is behind the note.
        ended, lasted = _TURN.unpack(noted)
        began, now = time.monotonic(), time.monotonic()
        free_at = min(ended + min(lasted, WAIT_SEC), math.inf if until is None else until)
        while ended <= now < free_at and not self._waiting(now - began):
            time.sleep(min(0.5, free_at - now))
            now = time.monotonic()

    def _share_again(self, gate_is_held: bool) -> None:
        if not gate_is_held:
            self._take(self._gate, fcntl.LOCK_SH)
        self._take(self._use, fcntl.LOCK_SH)
        _drop(self._gate)

    def _take(self, descriptor: int, kind: int, wait_sec: float | None = None) -> bool:
        """Lock; return False where another still held it after ``wait_sec``, or where ``waiting`` ended the wait."""
        began, pause, said = time.monotonic(), POLL_SEC, 0.0
        while True:
            try:
                fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
                return True
            except BlockingIOError:
                waited = time.monotonic() - began
            if wait_sec is not None and waited >= wait_sec:
                return False
            if waited - said >= 1.0:
                said = waited
                if self._waiting(waited):
                    return False
            time.sleep(pause)
            pause = min(2 * pause, LONGEST_POLL_SEC)


def _left(until: float | None) -> float | None:
    return None if until is None else max(0.0, until - time.monotonic())


def _drop(descriptor: int) -> None:
    fcntl.flock(descriptor, fcntl.LOCK_UN)


_held: Lease | None = None


@contextmanager
def hold(device: str, folder: Path, waiting: Callable[[float], bool], finish: Callable[[], None]) -> Iterator[Lease]:
    """Use ``device`` with others throughout the block; ``alone`` is then about this process's share of it."""
    global _held
    held = Lease(device, folder, waiting, finish)
    try:
        held.join()
        _held = held
        yield held
    finally:
        _held = None
        held.leave()


def met_others() -> bool:
    """Return whether anybody else used the device since this process holds it; see ``Lease.met_others``."""
    return _held is not None and _held.met_others()


@contextmanager
def alone(wait_sec: float | None) -> Iterator[bool]:
    """Yield whether the block has the device that this process holds to itself; see ``Lease.alone``.

    Where nothing is held, as in a process that carries out a piece of a run, nobody can tell: False.
    """
    if _held is None:
        yield False
        return
    with _held.alone(wait_sec) as got:
        yield got
