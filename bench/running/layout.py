"""How a network computes: channels last where that is faster and right, and by whose convolutions.

Both were measured: ``reports/benchmarks.md``.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn

from bench.records import Job, Run
from bench.running import compiling
from custom_ops.preprocessors import BatchPreProcessor

MOSTLY_SPATIAL = 0.9
"""The share of a network's trained convolution weights in kernels larger than 1x1 from which AVX2 trains contiguous.

Channels last, oneDNN has a slower weight gradient of such a kernel for AVX2: U-Nets, HED and their like take up to 1.5
times as long a training step, while networks of bottlenecks and depthwise convolutions gain or lose little. Inference,
which has no gradient, is faster channels last for all of the former (``reports/benchmarks.md``).
"""
FEW_MACS = 120
"""Multiply-adds of an image for each weight, below which torch's own convolutions are faster than oneDNN's (AVX2)."""


def prepare(model: nn.Module, run: Run, trains: bool) -> tuple[torch.memory_format, dict[str, Any] | None]:
    """Bring ``model`` into the layout that ``run`` trains or infers in and compile it if asked to, in place.

    Returns:
        The layout, and what came of compiling (see ``compiling.compile_parts``); None where nobody asked.
    """
    layout = settle(model, run, trains)
    return layout, compiling.compile_parts(model, run.device) if 'compile' in run.switches else None


def settle(model: nn.Module, run: Run, trains: bool) -> torch.memory_format:
    """Bring ``model`` into the layout that ``run`` trains or infers in, in place, and return it."""
    contiguous = 'no-channels-last' in run.switches
    # What was compiled for one layout would be compiled again for another.
    trains = trains and 'compile' not in run.switches
    layout = torch.contiguous_format if contiguous else choose(model, run.device, run.precision, trains)
    bring(model, layout)
    return layout


def bring(model: nn.Module, layout: torch.memory_format) -> None:
    """Bring ``model`` and the batches that its preprocessor makes into ``layout``, in place."""
    model.to(memory_format=layout)
    preprocessor = getattr(model, 'data_preprocessor', None)
    if isinstance(preprocessor, BatchPreProcessor):
        preprocessor.memory_format = layout


@contextmanager
def kernels(job: Job) -> Iterator[None]:
    """Within, the small images that a smoke run shows a network of heavy weights are convolved by torch itself.

    With AVX2 and no more, in single precision: oneDNN copies all weights into blocks of its own before each
    convolution, which takes longer than a convolution of ``FEW_MACS``, and for the largest of them, 4860 to 2430
    channels on maps of 2x2, has no other weight gradient than its reference, which takes 18 s.
    """
    used, counted = torch.backends.mkldnn.enabled, job.run_cost
    few = counted is not None and counted['macs'] < FEW_MACS * counted['params']
    fp32 = job.run.device == 'cpu' and job.run.precision == 'fp32'
    torch.backends.mkldnn.enabled = used and not (fp32 and job.rule.heavy_weights and few and _has_avx2_alone())
    try:
        yield
    finally:
        torch.backends.mkldnn.enabled = used


def tf32(device: str) -> dict[str, bool] | None:
    """Return which float32 products a GPU may round to 10 bits of mantissa; None on a processor."""
    if not device.startswith('cuda'):
        return None
    return {'convolution': torch.backends.cudnn.allow_tf32, 'matmul': torch.backends.cuda.matmul.allow_tf32}


def choose(model: nn.Module, device: str, precision: str, trains: bool = False) -> torch.memory_format:
    """Return the layout for ``model``: channels last, 10 to 25 % faster with AVX-512 and tensor cores; two exceptions.

    On a CPU in bfloat16, torch's weight gradient of a dilated depthwise convolution is wrong in that layout (off by
    its own size, or infinite, in 2.13; ``tests/canaries`` shows it), so networks with one stay contiguous there.
    With AVX2 and no more, networks of nearly all spatial kernels train faster contiguous, see ``MOSTLY_SPATIAL``.
    """
    if device != 'cpu':
        return torch.channels_last
    if precision == 'bf16':
        avoided = any(_is_dilated_depthwise(module) for module in model.modules())
    else:
        # It is oneDNN that has the slower gradient.
        slower = trains and _has_avx2_alone() and torch.backends.mkldnn.enabled
        avoided = slower and spatial_share(model) > MOSTLY_SPATIAL
    return torch.contiguous_format if avoided else torch.channels_last


def spatial_share(model: nn.Module) -> float:
    """Return the share of the trained weights of convolutions that lie in ungrouped kernels larger than 1x1."""
    layers = [module for module in model.modules() if isinstance(module, nn.Conv2d | nn.ConvTranspose2d)]
    trained = [layer for layer in layers if layer.weight.requires_grad]
    spatial = sum(one.weight.numel() for one in trained if one.groups == 1 and max(one.kernel_size) > 1)
    return spatial / max(1, sum(one.weight.numel() for one in trained))


def _has_avx2_alone() -> bool:
    return torch.backends.cpu.get_cpu_capability() == 'AVX2'


def _is_dilated_depthwise(module: nn.Module) -> bool:
    return isinstance(module, nn.Conv2d) and module.groups > 1 and max(module.dilation) > 1
