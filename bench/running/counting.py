"""Count predictions without holding up the device that makes them.

On a GPU confusion matrices are counted there and fetched many at a time, and what is counted on the processor is
counted by threads beside it; on a CPU everything is counted at once, by the thread that predicts.
"""

import os
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import numpy as np
import torch
from torch import Tensor

from bench.measure import detail
from custom_ops.metrics import confusion

BLOCK_IMAGES = 64
"""Matrices fetched together."""
MAX_WAITING = 16
"""Images that may wait for a thread: two maps each, which would fill the memory if the threads were too slow."""

Counts = dict[str, np.ndarray]


class Counting:
    """The confusion matrix and, if ``in_detail``, the ``detail.image_counts`` of every image that is added.

    Args:
        device: where predictions are made; ``beside`` says whether it works beside this process, as a GPU does.
        classes: K.

    Raises:
        ValueError: at any later moment, from any method: a value of an image added before is out of range.
    """

    def __init__(self, device: str, classes: int, ignore_index: int, in_detail: bool, beside: bool | None = None):
        self.beside = device.startswith('cuda') if beside is None else beside
        self.classes, self.ignore_index, self.in_detail = classes, ignore_index, in_detail
        self._matrices: list[Tensor] = []
        self._tables: list[Tensor] = []
        self._counts: list[Counts] = []
        self._waiting: deque[Future[Counts]] = deque()
        self._threads: ThreadPoolExecutor | None = None

    def add(self, prediction: Tensor, truth: Tensor) -> None:
        """Count one image: maps [H, W] of integers on the device."""
        arguments = self.classes, self.ignore_index
        if not self.beside:
            self._matrices.append(confusion.confusion_matrix(prediction, truth, *arguments).cpu())
            if self.in_detail:
                self._counts.append(detail.image_counts(prediction.cpu().numpy(), truth.cpu().numpy(), *arguments))
            return
        self._tables.append(confusion.table(prediction, truth, *arguments))
        if len(self._tables) >= BLOCK_IMAGES:
            self._fetch()
        if self.in_detail:
            # Values that one byte cannot hold are refused with the table.
            byte = 0 <= self.ignore_index <= 255 and self.classes <= 255
            maps = ((each.to(torch.uint8) if byte else each).cpu().numpy() for each in (prediction, truth))
            self._submit(detail.image_counts, *maps, *arguments)

    def finish(self) -> tuple[np.ndarray, Counts]:
        """Return int64 [N, K, K] and the stacked counts in detail ({} without), in the order of adding."""
        self._fetch()
        while self._waiting:
            self._counts.append(self._waiting.popleft().result())
        if self._threads is not None:
            self._threads.shutdown()
        return torch.stack(self._matrices).numpy(), detail.stack(self._counts)

    def _fetch(self) -> None:
        if self._tables:
            self._matrices += confusion.legal_part(torch.stack(self._tables).cpu()).unbind()
            self._tables.clear()

    def _submit(self, count: Callable[..., Counts], *arguments: Any) -> None:
        if self._threads is None:
            self._threads = ThreadPoolExecutor(max(1, min(8, (os.cpu_count() or 1) // 2)))
        self._waiting.append(self._threads.submit(count, *arguments))
        while len(self._waiting) > MAX_WAITING:
            self._counts.append(self._waiting.popleft().result())
