"""Validation under bfloat16 autocast."""

from typing import Any

import torch
from mmengine.device import get_device
from mmengine.runner import ValLoop
from mmseg.registry import LOOPS


@LOOPS.register_module()
class Bf16ValLoop(ValLoop):
    """Validate as a bfloat16 run trains and is scored: forward passes under autocast.

    mmengine's own takes float16 on a GPU. Its arguments, but for ``fp16``, are those of ``ValLoop``.
    """

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, fp16=True, **kwargs)

    def run_iter(self, idx: int, data_batch: Any) -> None:
        """Validate one batch."""
        # The autocast within asks torch for the type, and torch answers with that of the one around it.
        with torch.autocast(torch.device(get_device()).type, torch.bfloat16):
            super().run_iter(idx, data_batch)
