"""Forks of this process that take part of its work: they see what it has in memory, and import nothing anew."""

import multiprocessing
import signal
import sys
import threading
from concurrent.futures import ProcessPoolExecutor

from bench import environment


def may_share_work() -> bool:
    """Return whether forks may take part of the work: this process has one thread, and there are processors."""
    alone = threading.active_count() == 1 and not multiprocessing.current_process().daemon
    return sys.platform == 'linux' and alone and environment.usable_cpus() > 1


def pool() -> ProcessPoolExecutor:
    """Return a pool of forks, one a processor; this process alone hears Ctrl-C and ends them."""
    context = multiprocessing.get_context('fork')
    return ProcessPoolExecutor(environment.usable_cpus(), context, initializer=leave_interrupts)


def leave_interrupts() -> None:
    """Let the parent alone hear Ctrl-C; it ends this process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
