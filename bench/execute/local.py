"""Run workers on this machine: one process a run, forked from a server that has torch and mmseg loaded."""

import contextlib
import ctypes
import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from multiprocessing.context import ForkServerContext, ForkServerProcess
from typing import Any, Generic

from bench.execute.schedule import J, Outcome, Schedule, Start
from bench.records import CostJob, Job, Status

SPINS = 2_000
"""Turns for which a thread that waits for the others of its run spins before it sleeps (GNU's OpenMP).

Its own choice, 300,000, costs as many processors as a run has threads while another program has one of them: two runs
of two threads on two processors were 1.8 times slower by it, and one alone no faster.
"""
GRACE_SEC = 60.0
"""How long a worker that was asked to stop may take to finish its step and save a checkpoint."""


@dataclass(frozen=True)
class Limits(Generic[J]):
    """When a run is ended: after ``timeout_sec``, or after ``stall_sec`` without a sign of life.

    Time that a run stands aside for a measurement of another does not count.
    """

    timeout_sec: Callable[[J], float]
    stall_sec: float = 900.0


@dataclass
class _Active(Generic[J]):
    job: J
    process: ForkServerProcess
    channel: Connection
    started: float = field(default_factory=time.monotonic)
    heard: float = field(default_factory=time.monotonic)
    done: dict[str, Any] | None = None


def context() -> ForkServerContext:
    """Return the forkserver context with the heavy imports preloaded; threads are set in the child.

    Every child runs the main module's imports again: ``bench.catalogue`` is what takes time among them.
    """
    # The toolbox asks for a GPU as it is imported. Asked of the driver, CUDA would start in the server, and no process
    # forked from that could use it; asked of the management library it does not.
    os.environ.setdefault('PYTORCH_NVML_BASED_CUDA_CHECK', '1')
    # Cards are counted as nvidia-smi counts them, which tells their memory and use; CUDA alone begins with the fastest.
    os.environ.setdefault('CUDA_DEVICE_ORDER', 'PCI_BUS_ID')
    # Read once, when the library is loaded.
    if 'OMP_WAIT_POLICY' not in os.environ:
        os.environ.setdefault('GOMP_SPINCOUNT', str(SPINS))
    made = multiprocessing.get_context('forkserver')
    # Without that library the driver is asked all the same: then each process imports for itself.
    alone = _loads('libcuda.so.1') and not _loads('libnvidia-ml.so.1')
    made.set_forkserver_preload(['bench.execute.apart', 'bench.catalogue', *([] if alone else ['bench.worker'])])
    return made


def _loads(library: str) -> bool:
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True


class _StopSignals:
    """Within, the first Ctrl-C, or signal that is handled as one, is noted for ``check``; the next ends what goes on.

    Raised at once it may hit whoever takes an outcome, between two of them: a generator is told of that as of any
    other end, by which nobody has to save a checkpoint.
    """

    def __init__(self) -> None:
        self.came = False
        self._noted: list[signal.Signals] = []

    def __enter__(self) -> '_StopSignals':
        # Elsewhere no handler can be set, and none is called.
        if threading.current_thread() is threading.main_thread():
            both = (signal.SIGINT, signal.SIGTERM)
            self._noted = [one for one in both if signal.getsignal(one) is signal.default_int_handler]
        for one in self._noted:
            signal.signal(one, self._note)
        return self

    def __exit__(self, *_: object) -> None:
        for one in self._noted:
            signal.signal(one, signal.default_int_handler)

    def check(self) -> None:
        """Raise ``KeyboardInterrupt`` if one of the signals came."""
        if self.came:
            raise KeyboardInterrupt

    def _note(self, *_: object) -> None:
        self.came = True
        self.__exit__()


class LocalEngine(Generic[J]):
    """Carry out a schedule in processes of this machine.

    Args:
        limits: when a run is ended.
        on_event: called with (job, message) for everything a worker says.
        target: the function that a worker process runs; tests put a faulty one in its place.
        placed: the job as its worker on a device gets it.
    """

    def __init__(
        self,
        limits: Limits[J],
        on_event: Callable[[J, dict[str, Any]], None],
        target: Callable[[J, Connection], None] | None = None,
        placed: Callable[[J, str], J] = lambda job, device: job,
    ):
        self.limits = limits
        self.on_event = on_event
        self._context = context()
        self._target: Any = target or _work
        self._placed = placed
        self._active: list[_Active[J]] = []
        self._stopping = False
        self._stop_signals = _StopSignals()

    def run(self, schedule: Schedule[J]) -> Iterator[Outcome[J]]:
        """Yield an outcome for every job of ``schedule`` as it ends or is skipped.

        Raises:
            KeyboardInterrupt: after the workers were asked to stop and everything that is left was yielded, also
                where Ctrl-C fell into what is done with an outcome.
        """
        with _StopSignals() as self._stop_signals:
            try:
                while schedule or self._active:
                    yield from self._start_what_fits(schedule)
                    self._stop_signals.check()
                    if schedule and not self._active:
                        raise RuntimeError(f'{next(schedule.left()).folder} waits for a job that never ends')
                    for outcome in self._collect():
                        schedule.ended(outcome.job, outcome.status)
                        yield outcome
                    self._stop_signals.check()
            except KeyboardInterrupt:
                yield from self._stop()
                yield from (Outcome(job, 'interrupted', 'stopped before it started', False) for job in schedule.left())
                raise
            finally:
                self._kill_all()

    def _start_what_fits(self, schedule: Schedule[J]) -> Iterator[Outcome[J]]:
        while not self._stop_signals.came and (decision := schedule.next(time.monotonic())):
            if isinstance(decision, Start):
                self._start(decision.job, decision.device)
            else:
                yield Outcome(decision.job, 'skipped', decision.reason, False)

    def _start(self, job: J, device: str) -> None:
        receiver, sender = self._context.Pipe(duplex=False)
        arguments = (self._placed(job, device), sender)
        process = self._context.Process(target=self._target, args=arguments, daemon=False)
        process.start()
        sender.close()
        self._active.append(_Active(job, process, receiver))
        self.on_event(job, {'kind': 'start'})

    def _collect(self, timeout: float = 0.2) -> Iterator[Outcome[J]]:
        if not self._active:
            return
        channels: list[Any] = [one.channel for one in self._active if not one.channel.closed]
        wait([*channels, *(one.process.sentinel for one in self._active)], timeout)
        for one in list(self._active):
            self._listen(one)
            outcome = self._ended(one)
            if outcome is not None:
                self._active.remove(one)
                yield outcome

    def _listen(self, one: _Active[J]) -> None:
        try:
            while not one.channel.closed and one.channel.poll():
                message = one.channel.recv()
                one.heard = time.monotonic()
                if message['kind'] == 'done':
                    one.done = message
                elif message['kind'] == 'waited':
                    one.started += message['sec']
                self.on_event(one.job, message)
        except (EOFError, OSError):
            one.channel.close()

    def _ended(self, one: _Active[J]) -> Outcome[J] | None:
        if one.process.exitcode is not None:
            self._listen(one)
            one.process.join()
            if one.done is not None:
                return Outcome(one.job, one.done['status'], one.done['reason'], one.done['stored'])
            # What ends without a word once it was asked to stop was interrupted, however it ended.
            status: Status = 'interrupted' if self._stopping else 'crash'
            return Outcome(one.job, status, _describe_exit(one.process.exitcode), False)
        now = time.monotonic()
        limit = self.limits.timeout_sec(one.job)
        if now - one.started > limit:
            return self._end(one, f'ran longer than {limit:.0f} s')
        if now - one.heard > self.limits.stall_sec:
            return self._end(one, f'gave no sign of life for {self.limits.stall_sec:.0f} s')
        return None

    def _end(self, one: _Active[J], reason: str) -> Outcome[J]:
        _kill(one.process)
        return Outcome(one.job, 'timeout', reason, False)

    def _stop(self) -> Iterator[Outcome[J]]:
        """Ask every worker to save a checkpoint and end; kill those that do not."""
        self._stopping = True
        for one in self._active:
            if one.process.pid is not None:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(one.process.pid, signal.SIGTERM)
        patience = time.monotonic() + GRACE_SEC
        while self._active and time.monotonic() < patience:
            yield from self._collect()
        for one in self._active:
            _kill(one.process)
            yield Outcome(one.job, 'interrupted', 'killed after it was asked to stop', False)
        self._active.clear()

    def _kill_all(self) -> None:
        for one in self._active:
            _kill(one.process)
        self._active.clear()


def time_network(job: CostJob, channel: Connection) -> None:
    """Be the worker of a cost job; the other target of ``LocalEngine``."""
    from bench import worker

    worker.cost_main(job, channel)


def _work(job: Job, channel: Connection) -> None:
    # Imported here: the parent must not load torch, and the server has it loaded already.
    from bench import worker

    worker.main(job, channel)


def _kill(process: ForkServerProcess) -> None:
    process.kill()
    process.join(10)


def _describe_exit(code: int) -> str:
    if code < 0:
        name = signal.Signals(-code).name if -code in {s.value for s in signal.Signals} else f'signal {-code}'
        hint = " (the system's out-of-memory killer uses it)" if name == 'SIGKILL' else ''
        return f'the worker was ended by {name}{hint}'
    return f'the worker exited with code {code} and no receipt; see log.txt'
