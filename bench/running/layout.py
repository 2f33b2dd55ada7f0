"""The memory layout a network runs in: channels last where it is faster and right."""

from typing import Any

import torch
from torch import nn

from bench.records import Run
from bench.running import compiling
from custom_ops.preprocessors import BatchPreProcessor


def prepare(model: nn.Module, run: Run) -> tuple[torch.memory_format, dict[str, Any] | None]:
    """Bring ``model`` into the layout of ``run`` and compile it if asked to, in place.

    Returns:
        The layout, and what came of compiling (see ``compiling.compile_parts``); None where nobody asked.
    """
    contiguous = 'no-channels-last' in run.switches
    layout = torch.contiguous_format if contiguous else choose(model, run.device, run.precision)
    bring(model, layout)
    return layout, compiling.compile_parts(model, run.device) if 'compile' in run.switches else None


def bring(model: nn.Module, layout: torch.memory_format) -> None:
    """Bring ``model`` and the batches that its preprocessor makes into ``layout``, in place."""
    model.to(memory_format=layout)
    preprocessor = getattr(model, 'data_preprocessor', None)
    if isinstance(preprocessor, BatchPreProcessor):
        preprocessor.memory_format = layout


def tf32(device: str) -> dict[str, bool] | None:
    """Return which float32 products a GPU may round to 10 bits of mantissa; None on a processor."""
    if not device.startswith('cuda'):
        return None
    return {'convolution': torch.backends.cudnn.allow_tf32, 'matmul': torch.backends.cuda.matmul.allow_tf32}


def choose(model: nn.Module, device: str, precision: str) -> torch.memory_format:
    """Return the layout for ``model``: channels last, 10 to 25 % faster on CPUs and tensor cores, with one exception.

    On a CPU in bfloat16, torch's weight gradient of a dilated depthwise convolution is wrong in that layout (off by
    its own size, or infinite, in 2.13; ``tests/canaries`` shows it), so networks with one stay contiguous there.
    """
    if device == 'cpu' and precision == 'bf16' and any(_is_dilated_depthwise(module) for module in model.modules()):
        return torch.contiguous_format
    return torch.channels_last


def _is_dilated_depthwise(module: nn.Module) -> bool:
    return isinstance(module, nn.Conv2d) and module.groups > 1 and max(module.dilation) > 1
