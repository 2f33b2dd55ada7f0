"""One run in one process: set up, carry out the protocol, store the receipt.

The forkserver imports this module once, with torch and mmseg, and forks a child for every run.
"""

import contextlib
import gc
import io
import json
import os
import shutil
import signal
import sys
import time
import traceback
import warnings
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from multiprocessing import parent_process
from multiprocessing.connection import Connection, wait
from pathlib import Path
from threading import Thread
from typing import Any

with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
    # The toolbox announces optional parts that are not installed; no one here misses them.
    warnings.simplefilter('ignore')
    import cv2
    import matplotlib.figure  # noqa: F401
    import mmengine.device.utils
    import mmseg.datasets
    import mmseg.engine
    import mmseg.evaluation
    import mmseg.models
    import mmseg.visualization  # noqa: F401
    import torch

    # An optimiser's constructor imports dynamo, a second that every run would spend again.
    import torch._dynamo
    import torch.utils.tensorboard

    import custom_ops  # noqa: F401
    from custom_ops.hooks.finite_loss import DivergedLossError, NonFiniteLossError

from PIL import UnidentifiedImageError

from bench import data_sets, devices, environment, lease, repeats, store
from bench.errors import DataError, Interrupted
from bench.measure import allocator, memory
from bench.records import CostJob, Job, Receipt, Status
from bench.running import attempt, costing, protocol, training

Report = Callable[[dict[str, Any]], None]

# mmengine collects garbage for every data set it builds: half a second over all that was imported, unless that is
# set aside. It also keeps the pages that forked children share untouched.
gc.collect()
gc.freeze()


def main(job: Job, channel: Connection) -> None:
    """Carry out ``job``; progress, and at the end the status, go through ``channel``.

    What goes wrong in the run becomes its receipt. What goes wrong around it, so that no receipt can be stored here,
    goes through ``channel``, and the exit code is 1.
    """
    _accept_stop_signal()
    _follow_parent()
    try:
        job = replace(job, run=replace(job.run, device=_choose_device(job.run.device)))
        folder = store.run_folder(job.results, job.run)
        receipt = _carry_out(job, folder, channel.send)
        store.write(job.results, job.run, receipt)
    except Exception as error:
        # Where the log could be opened this goes there, else to who started the command.
        traceback.print_exc()
        status, reason = classify(error)
        # A file that is missing here is none of the data set.
        status = 'crash' if status == 'missing-data' else status
        reason = f'no receipt could be stored: {reason}'
        channel.send({'kind': 'done', 'status': status, 'reason': reason, 'stored': False})
        raise SystemExit(1) from error
    # Said before tidying up, where a failure takes nothing from what is stored.
    channel.send({'kind': 'done', 'status': receipt.status, 'reason': receipt.reason, 'stored': True})
    _tidy(folder, job, receipt)
    channel.close()


def _carry_out(job: Job, folder: Path, send: Report) -> Receipt:
    """Carry out ``job`` with its share of the device; all that is printed from now on goes to the log in ``folder``."""
    # A timing at the documented size is taken without: it is of what a user's own script would meet.
    keeps_freed_memory = job.run.device == 'cpu' and allocator.keep_freed_memory()
    folder.mkdir(parents=True, exist_ok=True)
    resumed, alone = _prepare(folder, job)
    _print_into(folder / 'log.txt')
    with _share_device(job.run.device, send, 'stage') as held:
        watch = environment.Watch(job.run.device)
        aside: list[float] = []
        began = time.monotonic()
        receipt = execute(job, folder, resumed, _considerate(send, held, aside))
        spent = time.process_time() if job.run.device == 'cpu' else time.monotonic() - began - sum(aside)
        receipt.device_sec = round(spent, 3)
        receipt.contended = held.met_others()
        # A training's times are of all attempts.
        others = watch.others_at_work() or not alone
        how = {'keeps_freed_memory': keeps_freed_memory, 'others_at_work': others}
        receipt.environment = {**(receipt.environment or {}), **how}
        _note(folder, job, resumed, alone=not (others or receipt.contended))
    return receipt


def _print_into(path: Path) -> None:
    """Send what this process and its children print to the end of ``path``, as long as they live."""
    log = path.open('a', buffering=1)
    os.dup2(log.fileno(), 1)
    os.dup2(log.fileno(), 2)
    sys.stdout = sys.stderr = log


def execute(job: Job, folder: Path, resumed: int, report: Report) -> Receipt:
    """Carry out the protocol of ``job`` and return its receipt, whatever happens."""
    started = time.monotonic()
    receipt = Receipt.of(job)
    receipt.resumed = resumed
    try:
        torch.set_num_threads(job.threads)
        cv2.setNumThreads(0)
        _check_fork(job.run.device)
        receipt.environment = environment.describe(job.run.device, job.threads)
        for name, block in protocol.carry_out(job, folder, report).items():
            setattr(receipt, name, block)
    except BaseException as error:
        receipt.status, receipt.reason = classify(error)
        if receipt.status == 'oom':
            # The next forecast of this run begins above what was not enough.
            receipt.memory = {'admitted_bytes': job.memory_bytes}
        traceback.print_exc()
    receipt.wall_sec = round(time.monotonic() - started, 3)
    return receipt


def classify(error: BaseException) -> tuple[Status, str]:
    """Return the status and the reason that an exception stands for."""
    text = f'{type(error).__name__}: {error}'.strip().splitlines()[0][:500]
    if memory.ran_out(error):
        return 'oom', text
    if isinstance(error, (NonFiniteLossError, FloatingPointError)):
        return 'nan', str(error)
    if isinstance(error, DivergedLossError):
        return 'diverged', str(error)
    if isinstance(error, (Interrupted, KeyboardInterrupt, SystemExit)):
        return 'interrupted', str(error) or 'asked to stop'
    if isinstance(error, (DataError, FileNotFoundError, UnidentifiedImageError)):
        return 'missing-data', text
    return 'crash', text


def _prepare(folder: Path, job: Job) -> tuple[int, bool]:
    """Keep what an unfinished run of the same key left, remove anything else. What a finished run left waits aside.

    Returns:
        How often it was resumed, and whether it is known to have had its device to itself so far.
    """
    repeats.set_aside(folder)
    state: dict[str, Any] = {}
    with contextlib.suppress(OSError, ValueError):
        state = json.loads((folder / repeats.ATTEMPT).read_text())
    begun = [*(folder / 'training').rglob('last.pth'), *(folder / 'training').rglob(training.DONE)]
    resumed, alone = 0, True
    # A checkpoint counts iterations, so it only fits the same split of the batch.
    if (state.get('key'), state.get('accumulate')) == (job.key, job.accumulate) and begun:
        resumed, alone = int(state.get('resumed', 0)) + 1, bool(state.get('alone'))
    else:
        for file in list(folder.iterdir()):
            if file.name != repeats.ASIDE:
                shutil.rmtree(file) if file.is_dir() else file.unlink()
    # Whether this attempt is alone it notes when it ends; of one that is killed it is not known.
    _note(folder, job, resumed, alone=False)
    return resumed, alone


def _note(folder: Path, job: Job, resumed: int, alone: bool) -> None:
    state = {'key': job.key, 'accumulate': job.accumulate, 'resumed': resumed, 'alone': alone}
    store.write_atomically(folder / repeats.ATTEMPT, json.dumps(state))


def _tidy(folder: Path, job: Job, receipt: Receipt) -> None:
    """Drop the checkpoints of a finished run unless they are wanted; an unfinished run needs them to continue.

    So does one whose training is done and what came after it failed for a reason outside it.
    """
    if receipt.status == 'interrupted':
        repeats.put_back(folder)
        return
    if receipt.status == 'ok':
        repeats.settle(folder)
    elif receipt.status in ('crash', 'missing-data', 'oom') and any((folder / 'training').rglob(training.DONE)):
        return
    training.tidy(folder / 'training', keep=receipt.status == 'ok' and job.keep_checkpoints)
    (folder / repeats.ATTEMPT).unlink(missing_ok=True)


def _accept_stop_signal() -> None:
    """SIGTERM asks the training to save a checkpoint and end; Ctrl-C is the parent's to handle."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: attempt.request_stop())


def _end_at_stop_signal() -> None:
    """SIGTERM ends the process where it stands: there is nothing to save; Ctrl-C is the parent's to handle."""

    def end(*_: object) -> None:
        # No error: a compiler that goes on without what fails would go on.
        raise SystemExit('asked to stop')

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, end)


def _choose_device(device: str) -> str:
    """Show CUDA only the device that was asked for, mmengine takes the first; return its name from now on."""
    kind, _, index = device.partition(':')
    if kind == 'cpu':
        os.environ['CUDA_VISIBLE_DEVICES'] = ''
    elif index:
        os.environ['CUDA_VISIBLE_DEVICES'] = devices.card(device)
    # The toolbox looked for a device when it was imported, in the process that this one was forked from.
    mmengine.device.utils.DEVICE = kind
    return kind


def _check_fork(device: str) -> None:
    if device == 'cuda' and torch.cuda._is_in_bad_fork():
        raise RuntimeError(
            'CUDA had started before this process was forked and cannot be used in it: the management library (NVML) '
            'did not answer, or CUDA_VISIBLE_DEVICES names a MIG slice; make whole cards visible'
        )


def _share_device(device: str, send: Report, kind: str) -> AbstractContextManager[lease.Lease]:
    """Return this process's share of ``device``; messages of ``kind`` say that it waits for others."""

    def finish() -> None:
        if torch.cuda.is_initialized():
            torch.cuda.synchronize()

    return lease.hold(device, data_sets.cache_folder() / 'devices', _keep_in_touch(send, kind), finish)


def _keep_in_touch(send: Report, kind: str) -> Callable[[float], bool]:
    """Return what a lease calls while it waits: the engine hears of it, and a request to stop ends the wait."""

    def waiting(waited_sec: float) -> bool:
        send({'kind': kind, 'stage': f'waits for the device, {waited_sec:.0f} s so far'})
        return attempt.stop_requested()

    return waiting


def _considerate(send: Report, held: lease.Lease, aside: list[float]) -> Report:
    """Return a ``report`` that after every step and every image lets a measurement of another run go first.

    The seconds that this takes are added to ``aside``.
    """

    def report(message: dict[str, Any]) -> None:
        send(message)
        if message['kind'] in ('step', 'validate', 'score'):
            waited_sec = held.give_way()
            if waited_sec:
                aside.append(waited_sec)
                send({'kind': 'waited', 'sec': waited_sec})

    return report


def _follow_parent() -> None:
    """End with the command that started this run, even where that one was killed outright."""
    parent = parent_process()
    if parent is None:
        return

    def watch() -> None:
        wait([parent.sentinel])
        os._exit(70)

    Thread(target=watch, daemon=True).start()


def cost_main(job: CostJob, channel: Connection) -> None:
    """Count and time the network of ``job``, alone on its device however long that has to be waited for.

    A failure is reported through ``channel``, nothing is raised.
    """
    _end_at_stop_signal()
    _follow_parent()
    job = replace(job, device=_choose_device(job.device))
    status: Status = 'ok'
    reason = ''
    with open(os.devnull, 'w') as nowhere, contextlib.redirect_stdout(nowhere), warnings.catch_warnings():
        warnings.simplefilter('ignore')
        try:
            torch.set_num_threads(job.threads)
            _check_fork(job.device)
            channel.send({'kind': 'stage', 'stage': 'time'})
            _time_alone(job, channel.send)
        except BaseException as error:
            status, reason = classify(error)
            store.write_atomically(job.results / f'{job.folder}.log', traceback.format_exc())
    channel.send({'kind': 'done', 'status': status, 'reason': reason, 'stored': status == 'ok'})
    channel.close()


def _time_alone(job: CostJob, send: Report) -> None:
    began = time.monotonic()
    with _share_device(job.device, send, 'waiting'), lease.alone(None) as alone:
        if not alone:
            raise Interrupted('asked to stop while waiting for the device')
        send({'kind': 'waited', 'sec': time.monotonic() - began})
        for record in costing.measure(job, lambda: send({'kind': 'stage', 'stage': 'training steps'})):
            costing.write(job, record)
