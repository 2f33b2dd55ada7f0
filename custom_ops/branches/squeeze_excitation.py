"""Squeeze and excitation: weight each channel by a gate computed from the means of all channels.

Source: Hu et al. 2018, arXiv:1709.01507, section 3 (sigmoid gate); squeeze_edge (softmax gate, largest gate scaled).
Shapes: B batch, C channels, h x w features.
"""

from contextlib import nullcontext
from typing import Literal, get_args

import torch
from mmseg.registry import MODELS
from torch import Tensor, nn

Gate = Literal['sigmoid', 'softmax']


def scale_largest_gate(gates: Tensor, factor: float) -> Tensor:
    """Multiply the largest gate of each image in [B, C] by ``factor``; ties are all scaled."""
    largest = gates.amax(dim=1, keepdim=True)
    return torch.where(gates == largest, gates * factor, gates)


@MODELS.register_module()
class SqueezeExcitation(nn.Module):
    """Gate the channels of features [B, C, h, w]: mean over the map, C -> C/ratio, ReLU, -> C, gate, product.

    Both layers are fully connected with a bias. Usable as a plugin of the toolbox's residual networks.

    Args:
        in_channels: C.
        ratio: reduction of the hidden layer.
        gate: ``'sigmoid'``, each channel by itself, or ``'softmax'``, channels in competition (their mean is 1/C).
        largest_factor: the largest gate of each image is multiplied by it; 1 leaves it alone.

    Raises:
        ValueError: ``gate`` is not offered, ``ratio`` does not leave a hidden unit, or ``largest_factor`` is not
            positive.
    """

    _abbr_ = 'excitation'

    def __init__(self, in_channels: int, ratio: int = 16, gate: Gate = 'sigmoid', largest_factor: float = 1.0):
        super().__init__()
        if gate not in get_args(Gate):
            raise ValueError(f'gate {gate!r}: choose from {", ".join(get_args(Gate))}')
        if not 1 <= ratio <= in_channels:
            raise ValueError(f'ratio {ratio}: must lie between 1 and the {in_channels} channels')
        if largest_factor <= 0:
            raise ValueError(f'largest_factor {largest_factor}: must be positive; 1 scales nothing')
        self.largest_factor = largest_factor
        self.squeeze = nn.Linear(in_channels, in_channels // ratio)
        self.excite = nn.Linear(in_channels // ratio, in_channels)
        self.gate: nn.Module = nn.Sigmoid() if gate == 'sigmoid' else nn.Softmax(dim=1)

    def gates(self, features: Tensor) -> Tensor:
        """Return the gates [B, C] of features [B, C, h, w], in their number format.

        They are computed in that of the weights, autocast or not: in half precision several would be the largest.
        """
        # Networks are counted on a device of shapes, which knows no autocast.
        with nullcontext() if features.is_meta else torch.autocast(features.device.type, enabled=False):
            means = features.mean(dim=(2, 3), dtype=self.squeeze.weight.dtype)
            gates = self.gate(self.excite(torch.relu(self.squeeze(means))))
            if self.largest_factor != 1:
                gates = scale_largest_gate(gates, self.largest_factor)
        return gates.to(features.dtype)

    def forward(self, features: Tensor) -> Tensor:
        return features * self.gates(features)[:, :, None, None]
