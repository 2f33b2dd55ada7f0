"""Which weights of an image classifier's ResNet-50 squeeze_edge's network takes over.

Source: squeeze_edge, as coded: weights of a post-activation ResNet-50 are read by layer name into a pre-activation
one, in which the stem's convolution, the convolved shortcuts and most normalisation layers have other names. What the
names let through is the convolutions of every block, the normalisation before each 3x3, and the first two of all.
"""

import re
from collections.abc import Mapping

from torch import Tensor

from .by_name import PREFIX
from .preact_resnet import STAGES

_INNER = {'conv1': 'reduce', 'bn2': 'rest.0.0', 'conv2': 'rest.1', 'conv3': 'rest.3'}
"""Layers of a block in the toolbox's and torchvision's names, and in ``PreActBottleneck``'s."""

_BLOCK = re.compile(r'layer(\d)\.(\d+)\.(\w+)\.(\w+)')


def own_name(name: str) -> str | None:
    """Return the name in ``PreActDeepLab`` of a torchvision ResNet's tensor; None for what the source left random."""
    if name.startswith('bn1.'):
        return f'trunk.stem.1.0.{name.removeprefix("bn1.")}'
    found = _BLOCK.fullmatch(name)
    if found is None:
        return None
    stage, block, layer, kind = int(found[1]), int(found[2]), found[3], found[4]
    if not 1 <= stage <= len(STAGES) or block >= STAGES[stage - 1].blocks:
        return None
    index = sum(before.blocks for before in STAGES[: stage - 1]) + block
    path = f'trunk.blocks.{index - 1}' if index else 'trunk.first'
    if layer == 'bn1' and not index:
        # The one block whose input is as narrow as its inside.
        return f'{path}.activate.0.{kind}'
    return f'{path}.{_INNER[layer]}.{kind}' if layer in _INNER else None


def from_resnet50(stored: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the tensors of a torchvision or toolbox ResNet-50 that the source used, under our names.

    A state dict in our own names comes back unchanged.
    """
    bare = {name.removeprefix(PREFIX): tensor for name, tensor in stored.items()}
    if not any(_BLOCK.fullmatch(name) for name in bare):
        return dict(stored)
    return {new: tensor for name, tensor in bare.items() if (new := own_name(name))}
