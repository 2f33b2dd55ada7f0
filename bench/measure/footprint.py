"""Memory that a training step will need, added up on the meta device before anything is allocated.

B images of C x H x W pixels, K classes. All sizes are bytes.
"""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils._python_dispatch import TorchDispatchMode

from bench.measure.cost import Shape, auxiliary_heads, build_on_meta, features_of, meta_output


def training_footprint(
    network: nn.Module | Mapping[str, Any], input_shape: Shape, batch_size: int, optimizer_states: int = 2
) -> dict[str, int]:
    """Add up what one training step holds at its peak.

    The loss is stood in for by a cross entropy on every head's logits at the size of the image. Scratch memory of the
    kernels, allocator slack and the libraries themselves are not counted.

    Args:
        network: a network on the meta device, left in training mode, or the mmseg ``model`` config of one.
        input_shape: (C, H, W) of one training sample.
        batch_size: B, samples in one forward.
        optimizer_states: tensors the optimiser keeps per parameter: 2 for Adam, 1 for SGD with momentum.

    Returns:
        ``parameter_bytes`` (with buffers), ``gradient_bytes``, ``optimizer_bytes``, ``activation_bytes`` (kept for the
        backward pass, each storage once), ``transient_bytes`` (the gradients that backward holds beside them, taken
        as twice the largest tensor kept) and their sum, ``total_bytes``.
    """
    model = build_on_meta(network) if isinstance(network, Mapping) else network
    if batch_size < 1:
        raise ValueError(f'batch_size is {batch_size}; it must be at least 1')
    trained = sum(_bytes(p) for p in model.parameters() if p.requires_grad)
    owned = [*model.parameters(), *model.buffers()]
    saved = _saved_storages(model.train(), input_shape, batch_size)
    parts = {
        'parameter_bytes': sum(map(_bytes, owned)),
        'gradient_bytes': trained,
        'optimizer_bytes': optimizer_states * trained,
        'activation_bytes': sum(saved),
        'transient_bytes': 2 * max(saved, default=0),
    }
    return {**parts, 'total_bytes': sum(parts.values())}


def batch_footprint(network: nn.Module | Mapping[str, Any], input_shape: Shape, batch_size: int) -> dict[str, int]:
    """Return ``training_footprint`` with ``batch_bytes``, what one step of ``batch_size`` samples holds for backward.

    It is counted for two at least: some layers normalise over a batch, and take no single sample while training.
    """
    counted = max(2, batch_size)
    saved = training_footprint(network, input_shape, counted)
    held = saved['activation_bytes'] + saved['transient_bytes']
    return {**saved, 'batch_bytes': held * batch_size // counted}


def optimizer_states(optimizer: str) -> int:
    """Return how many tensors an optimiser of this type keeps for each parameter."""
    return {'SGD': 1}.get(optimizer, 2)


def _saved_storages(model: nn.Module, input_shape: Shape, batch_size: int) -> list[int]:
    """Return the size of every storage, other than the network's own, that autograd keeps for backward."""
    own = {_identity(tensor) for tensor in [*model.parameters(), *model.buffers()]}
    # Keeping the tensors keeps their storages apart: a freed one's address may be used again.
    kept: dict[int, Tensor] = {}

    def note(tensor: Tensor) -> Tensor:
        if _identity(tensor) not in own:
            kept.setdefault(_identity(tensor), tensor)
        return tensor

    hooks = torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor)
    with torch.device('meta'), hooks, _QuickShapes():
        loss = _stand_in_loss(model, torch.empty(batch_size, *input_shape))
        sizes = [tensor.untyped_storage().nbytes() for tensor in kept.values()]
    del loss
    return sizes


class _QuickShapes(TorchDispatchMode):
    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return meta_output(func, args, kwargs or {})


def _stand_in_loss(model: nn.Module, images: Tensor) -> Tensor:
    """Return a loss over all heads: real ones count pixels, which needs values, and the meta device has none."""
    target = torch.empty(images.shape[0], *images.shape[-2:], dtype=torch.long)
    with features_of(model) as features:
        outputs = [model(images)]
        outputs += [head(feature) for head in auxiliary_heads(model) for feature in features]
    return torch.stack([_pixel_loss(logits, target) for logits in outputs]).sum()


def _pixel_loss(output: Any, target: Tensor) -> Tensor:
    logits = output[0] if isinstance(output, tuple | list) else output
    return F.cross_entropy(F.interpolate(logits, target.shape[-2:], mode='bilinear'), target)


def _identity(tensor: Tensor) -> int:
    return tensor.untyped_storage()._cdata


def _bytes(tensor: Tensor) -> int:
    return tensor.numel() * tensor.element_size()
