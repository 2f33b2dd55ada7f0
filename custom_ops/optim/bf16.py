"""bfloat16 autocast for training, on the CPU as well as on CUDA."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from mmengine.optim import OptimWrapper
from mmseg.registry import OPTIM_WRAPPERS

from custom_ops.optim.unread_norm import clip


@OPTIM_WRAPPERS.register_module()
class Bf16OptimWrapper(OptimWrapper):
    """Run forward passes under bfloat16 autocast; weights, gradients and optimiser stay float32.

    bfloat16 has float32's exponent range, so no loss scaling is needed. mmengine's AMP wrapper refuses to
    work without an accelerator; processors with AVX-512 BF16 gain as well.
    """

    @contextmanager
    def optim_context(self, model: torch.nn.Module) -> Iterator[None]:
        device = next(model.parameters()).device.type
        with super().optim_context(model), torch.autocast(device, torch.bfloat16):
            yield

    def _clip_grad(self) -> None:
        clip(self)
