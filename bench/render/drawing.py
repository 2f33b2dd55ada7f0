"""Draw a report's pictures beside the judging and the tables: in a process of their own where a processor is free."""

import contextlib
import multiprocessing
import os
from collections.abc import Callable, Iterable, Iterator
from multiprocessing.connection import Connection

from bench import forks
from bench.experiments import Catalogue
from bench.render.drawn import Drawn
from bench.render.gather import Stored

Drawing = Callable[[], Drawn]
"""Waits for the pictures and returns them."""


def draw(stored: Iterable[Stored], catalogue: Catalogue) -> Drawn:
    """Draw the pictures of these receipts here and now."""
    # matplotlib takes half a second to import: the process that only waits for the pictures does without.
    from bench.render import pictures

    return pictures.draw(stored, catalogue)


@contextlib.contextmanager
def beside(stored: Iterable[Stored], catalogue: Catalogue) -> Iterator[Drawing]:
    """Begin to draw the pictures of these receipts and give what waits for them; no process outlives the block.

    What keeps the process beside from its end, an error in a figure or a lack of memory, is met again where the
    pictures are waited for: they are drawn there then, so that an error is raised as if there were one process.
    """
    stored = list(stored)
    if not stored or not forks.may_share_work():
        yield lambda: draw(stored, catalogue)
        return
    # A fork sees the receipts where they are; sent to a new process they would be copied.
    context = multiprocessing.get_context('fork')
    receiver, sender = context.Pipe(duplex=False)
    child = context.Process(target=_send, args=(stored, catalogue, receiver, sender), daemon=True)
    child.start()
    sender.close()
    try:
        yield lambda: _received(receiver) or draw(stored, catalogue)
    finally:
        child.kill()
        child.join()
        receiver.close()


def _send(stored: list[Stored], catalogue: Catalogue, receiver: Connection, sender: Connection) -> None:
    """Draw and send the pictures; send nothing where that fails."""
    forks.leave_interrupts()
    # With this end closed, sending to a parent that died is an error instead of a wait.
    receiver.close()
    try:
        sender.send(draw(stored, catalogue))
    except BaseException:
        # The parent meets it again and raises it.
        os._exit(1)


def _received(receiver: Connection) -> Drawn | None:
    try:
        return receiver.recv()
    except EOFError:
        return None
