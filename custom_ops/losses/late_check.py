"""Refuse values that lie on a device, without waiting for it.

A device that works beside the process (a GPU) answers once it has done all it was given; to ask it within a training
step is to hold up the next. Here it is asked some calls later, when the answer has long been there.
"""

from collections import defaultdict, deque
from collections.abc import Callable
from typing import Any

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
        self._waiting: defaultdict[torch.device, deque[tuple[Tensor, tuple[Any, ...]]]] = defaultdict(deque)

    def add(self, values: Tensor, *about: Any) -> None:
        """Keep ``values`` [n] and look at those that came ``LATE`` calls before.

        Raises:
            Whatever ``refuse`` raises.
        """
        waiting = self._waiting[values.device]
        waiting.append((values.detach(), about))
        if len(waiting) > LATE:
            oldest, told = waiting.popleft()
            self._refuse(oldest.tolist(), *told)

    def forget(self) -> None:
        """Drop what was not looked at yet."""
        self._waiting.clear()


def answers_at_once(device: torch.device) -> bool:
    """Return whether a value on ``device`` can be read without waiting for anything."""
    return device.type == 'cpu'
