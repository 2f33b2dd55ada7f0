"""The toolbox's log lines, without their side effect on a GPU."""

from typing import Any

import torch
from mmengine.runner import LogProcessor
from mmseg.registry import LOG_PROCESSORS


@LOG_PROCESSORS.register_module()
class PeakKeepingLogProcessor(LogProcessor):
    """``LogProcessor`` whose memory column leaves the allocator's peak to whoever measures it.

    mmengine's resets the peak with every line it logs, so that a peak of the training would be one since the last
    line; it also waits for the device. The column is the peak so far instead.
    """

    def _get_max_memory(self, runner: Any) -> int:
        return torch.cuda.max_memory_allocated(getattr(runner.model, 'output_device', None)) >> 20
