"""Refuse values that lie on a device, without waiting for it.

A device that works beside the process (a GPU) answers once it has done all it was given; to ask it within a training
step is to hold up the next. Here it is asked some calls later, when the answer has long been there, and for the last
ones when the training ends.
"""

from collections import defaultdict, deque
from collections.abc import Callable
from typing import Any
from weakref import WeakSet

import torch
from torch import Tensor

LATE = 8
"""After how many more calls values are looked at: several steps, even where heads are several."""


class LateCheck:
    """Hands small tensors of numbers to ``refuse``, in order, each ``LATE`` calls after it came from its device.

    Args:
        refuse: called with a tensor's values as a list and what else was given with it; raises where they are illegal.
    """

    def __init__(self, refuse: Callable[..., None]):
        self._refuse = refuse
        self._waiting: defaultdict[torch.device, deque[tuple[_Answer, tuple[Any, ...]]]] = defaultdict(deque)
        _checks.add(self)

    def add(self, values: Tensor, *about: Any) -> None:
        """Keep ``values`` [n] and look at those that came ``LATE`` calls before.

        Raises:
            Whatever ``refuse`` raises.
        """
        waiting = self._waiting[values.device]
        waiting.append((_Answer(values.detach()), about))
        if len(waiting) > LATE:
            self._look_at_oldest(waiting)

    def finish(self) -> None:
        """Look at all that was not looked at yet, waiting for it.

        Raises:
            Whatever ``refuse`` raises.
        """
        for waiting in self._waiting.values():
            while waiting:
                self._look_at_oldest(waiting)

    def forget(self) -> None:
        """Drop what was not looked at yet."""
        self._waiting.clear()

    def _look_at_oldest(self, waiting: deque[tuple['_Answer', tuple[Any, ...]]]) -> None:
        oldest, told = waiting.popleft()
        self._refuse(oldest.read(), *told)


_checks: WeakSet[LateCheck] = WeakSet()
"""Those that there are, one a kind of loss: a loop does not know which losses its model has."""


def finish() -> None:
    """Look at all that no check has looked at yet: to be called when a training ends.

    Raises:
        Whatever the ``refuse`` of a check raises.
    """
    for check in list(_checks):
        check.finish()


class _Answer:
    """Values on their way from a device; to read them is to wait for what was queued before them, no more."""

    def __init__(self, values: Tensor):
        self._values, self._arrived = values, None
        if values.is_cuda:
            self._values = torch.empty(values.shape, dtype=values.dtype, pin_memory=True)
            self._values.copy_(values, non_blocking=True)
            self._arrived = torch.cuda.Event()
            self._arrived.record()

    def read(self) -> list[float]:
        if self._arrived is not None:
            self._arrived.synchronize()
        return self._values.tolist()


def answers_at_once(device: torch.device) -> bool:
    """Return whether a value on ``device`` can be read without waiting for anything."""
    return device.type == 'cpu'
