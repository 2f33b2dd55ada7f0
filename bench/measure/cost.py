"""Exact cost of a network: parameters and multiply-adds, counted on the meta device without a single real tensor.

A multiply-add (MAC) is one multiplication and one addition; FLOPs are twice that. Counted are convolutions,
transposed convolutions (each input pixel meets the whole kernel, whatever the padding crops later) and matrix
products; biases, normalisation, activations, pooling and resizing are not, and are listed by name instead.
The count covers one image from the network's input to its logits, before they are resized to the image.
"""

import copy
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from math import prod
from typing import Any

import mmseg.models  # noqa: F401  (fills the registry)
import torch
from mmengine.config import ConfigDict
from mmengine.registry import DefaultScope
from mmseg.registry import MODELS
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry

Shape = tuple[int, int, int]

ALLOCATIONS = {
    'empty',
    'empty_strided',
    'zeros',
    'ones',
    'full',
    'arange',
    'scalar_tensor',
    '_unsafe_view',
    'lift_fresh',
}
"""Operators without arithmetic that are no views; their ``new_`` and ``_like`` forms are meant too."""


def build_on_meta(model_cfg: Mapping[str, Any]) -> nn.Module:
    """Build the network of an mmseg ``model`` config with shapes only: no memory, no weights, nothing loaded."""
    with torch.device('meta'), _RatesOnCpu(), DefaultScope.overwrite_default_scope('mmseg'):
        return MODELS.build(ConfigDict(copy.deepcopy(model_cfg)))


class _RatesOnCpu(TorchFunctionMode):
    """Let constructors read the drop rates of their blocks, a ``linspace``: shapes alone have no values."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = dict(kwargs or {})
        if func is torch.linspace:
            kwargs.setdefault('device', 'cpu')
        return func(*args, **kwargs)


def count_config(model_cfg: Mapping[str, Any], input_shape: Shape, count_auxiliary: bool) -> dict[str, Any]:
    """``count`` for the network of an mmseg ``model`` config."""
    return count(build_on_meta(model_cfg), input_shape, count_auxiliary)


def count(model: nn.Module, input_shape: Shape, count_auxiliary: bool) -> dict[str, Any]:
    """Count one forward of ``model``, in evaluation mode, over one image of ``input_shape`` (C, H, W).

    Args:
        model: any network on the meta device, see ``build_on_meta``; left in evaluation mode.
        input_shape: passed to the network as it is: nothing is padded first.
        count_auxiliary: add the auxiliary heads to ``macs`` and ``flops``. What is deployed never holds them.

    Returns:
        ``params`` (of a training: auxiliary heads and what is frozen included), ``params_deployed``, ``macs``,
        ``flops``, ``macs_deployed``, ``flops_deployed``, ``input_shape`` [C, H, W], ``counts_auxiliary``,
        ``macs_by_operator`` (parts of ``macs``) and ``uncounted_operators``: names of the operators that ran and count
        as zero.

    Raises:
        ValueError: the network holds real tensors, or the shape is not three positive integers.
    """
    _check(model, input_shape)
    params = sum(parameter.numel() for parameter in model.parameters())
    auxiliary_params = sum(p.numel() for head in auxiliary_heads(model) for p in head.parameters())
    deployed, auxiliary = _Tally(), _Tally()
    _forward(model, input_shape, deployed, auxiliary if count_auxiliary else None)
    flops = deployed.flops + auxiliary.flops
    return {
        'params': params,
        'params_deployed': params - auxiliary_params,
        'macs': flops.total() // 2,
        'flops': flops.total(),
        'macs_deployed': deployed.flops.total() // 2,
        'flops_deployed': deployed.flops.total(),
        'input_shape': list(input_shape),
        'counts_auxiliary': count_auxiliary,
        'macs_by_operator': {name: number // 2 for name, number in sorted(flops.items())},
        'uncounted_operators': sorted(deployed.uncounted | auxiliary.uncounted),
    }


def count_by_modules(model: nn.Module, input_shape: Shape, count_auxiliary: bool) -> dict[str, int]:
    """Count the multiply-adds of every convolution and linear layer from the sizes of its input and output.

    A second counter for ``count``: it knows layers instead of operators, hence misses functional calls.

    Returns:
        Module path to multiply-adds over one image, summed over the calls of a shared module.
    """
    _check(model, input_shape)
    macs: Counter[str] = Counter()

    def hook_for(name: str) -> Any:
        def add(module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
            macs[name] += _layer_macs(module, inputs[0], output)

        return add

    with ExitStack() as hooks:
        for name, module in model.named_modules():
            if isinstance(module, nn.modules.conv._ConvNd | nn.Linear):
                hooks.callback(module.register_forward_hook(hook_for(name)).remove)
        _forward(model, input_shape, ExitStack(), ExitStack() if count_auxiliary else None)
    return dict(macs)


def is_view(operator: Any) -> bool:
    """Return whether a result of ``operator`` only looks at its input's memory."""
    returned = operator._schema.returns
    return any(value.alias_info is not None and not value.alias_info.is_write for value in returned)


def meta_output(operator: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Run ``operator`` on meta tensors.

    Two frequent operators would take 0.5 to 4 ms a call, since PyTorch derives their output from a decomposition
    written in Python: nine tenths of the time of a count. Their shapes are stated here instead.
    """
    if operator is torch.ops.aten.native_batch_norm.default:
        features, training = args[0], args[5]
        statistics = features.shape[1] if training else 0
        return torch.empty_like(features), features.new_empty(statistics), features.new_empty(statistics)
    if operator is torch.ops.aten.upsample_bilinear2d.default:
        return args[0].new_empty(*args[0].shape[:2], *args[1])
    return operator(*args, **kwargs)


class _Tally(TorchDispatchMode):
    """Add up the FLOPs of every operator that PyTorch has a formula for and note the names of the others."""

    def __init__(self) -> None:
        super().__init__()
        self.flops: Counter[str] = Counter()
        self.uncounted: set[str] = set()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        output = meta_output(func, args, kwargs)
        packet = func._overloadpacket
        if packet in flop_registry:
            self.flops[str(packet)] += flop_registry[packet](*args, **kwargs, out_val=output)
        elif packet.__name__.removeprefix('new_').removesuffix('_like') not in ALLOCATIONS and not is_view(func):
            self.uncounted.add(str(packet))
        return output


def _forward(model: nn.Module, input_shape: Shape, deployed: Any, auxiliary: Any | None) -> None:
    """Run the network inside ``deployed``, then its auxiliary heads, on the same features, inside ``auxiliary``."""
    model.eval()
    image = torch.empty(1, *input_shape, device='meta')
    # The default device catches modules that create a tensor without saying where.
    with torch.no_grad(), torch.device('meta'), features_of(model) as features:
        with deployed:
            model(image)
        if auxiliary is not None:
            with auxiliary:
                for head in auxiliary_heads(model):
                    for feature in features:
                        head(feature)


@contextmanager
def features_of(model: nn.Module) -> Iterator[list[Any]]:
    """Collect what ``model.extract_feat`` returns: running the trunk again for each head would double the time."""
    features: list[Any] = []
    if not hasattr(model, 'extract_feat'):
        yield features
        return
    extract = model.extract_feat

    def extract_and_keep(*args: Any, **kwargs: Any) -> Any:
        features.append(extract(*args, **kwargs))
        return features[-1]

    model.extract_feat = extract_and_keep
    try:
        yield features
    finally:
        del model.extract_feat


def auxiliary_heads(model: nn.Module) -> list[nn.Module]:
    heads = getattr(model, 'auxiliary_head', None)
    if heads is None:
        return []
    return list(heads) if isinstance(heads, nn.ModuleList) else [heads]


def _layer_macs(module: nn.Module, inputs: Tensor, output: Tensor) -> int:
    if isinstance(module, nn.Linear):
        return output.numel() * module.in_features
    channels = module.out_channels if module.transposed else module.in_channels
    pixels = inputs.numel() if module.transposed else output.numel()
    return pixels * prod(module.kernel_size) * channels // module.groups


def _check(model: nn.Module, input_shape: Shape) -> None:
    if len(input_shape) != 3 or min(input_shape) < 1:
        raise ValueError(f'input_shape is {tuple(input_shape)}; it must be three positive integers: C, H, W')
    real = next((name for name, p in model.named_parameters() if p.device.type != 'meta'), None)
    if real is not None:
        raise ValueError(f'parameter {real!r} is a real tensor; build the network with build_on_meta to count it')
