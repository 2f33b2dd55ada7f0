"""Weights loaded by name: what fits is taken, what does not is named.

Source: deeplab_depth, as coded: its deeper ResNet started from the weights of a ResNet-101, so that every block that
the shallower network lacks stayed random.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

PREFIX = 'backbone.'
RESIDUAL_BLOCK = re.compile(r'(layer\d+\.\d+)\.')


@dataclass(frozen=True)
class LoadedByName:
    """Names of a network's tensors that were ``loaded`` and ``left`` as they were, and of those ``unused``."""

    loaded: tuple[str, ...]
    left: tuple[str, ...]
    unused: tuple[str, ...]


def fit_by_name(
    own: Mapping[str, Tensor], stored: Mapping[str, Tensor], prefix: str = PREFIX
) -> tuple[dict[str, Tensor], LoadedByName]:
    """Return the tensors of ``stored`` that have a name and shape of ``own``, and the account of all the others.

    Names in ``stored`` may start with ``prefix``, as those of a trunk do in the toolbox's checkpoints.
    """
    bare = {name.removeprefix(prefix): tensor for name, tensor in stored.items()}
    fitting = {name: tensor for name, tensor in bare.items() if name in own and own[name].shape == tensor.shape}
    left = tuple(sorted(set(own) - set(fitting)))
    return fitting, LoadedByName(tuple(sorted(fitting)), left, tuple(sorted(set(bare) - set(fitting))))


def residual_blocks(names: Iterable[str]) -> tuple[str, ...]:
    """Return the residual blocks (``layer3.22``) that parameters of these names belong to, in network order."""
    blocks = {found[1] for name in names if (found := RESIDUAL_BLOCK.match(name))}
    return tuple(sorted(blocks, key=lambda block: [int(number) for number in re.findall(r'\d+', block)]))


def random_blocks(account: LoadedByName) -> tuple[str, ...]:
    """Return the residual blocks of which nothing was loaded: a ResNet-152 from a ResNet-101's file has 17 of 50."""
    touched = set(residual_blocks(account.loaded))
    return tuple(block for block in residual_blocks(account.left) if block not in touched)


def load_by_name(network: nn.Module, stored: Mapping[str, Tensor]) -> LoadedByName:
    """Load into ``network`` what fits by name and shape; say what was loaded, left and unused.

    A network that knows foreign layouts has a method ``adapt_state_dict`` from a state dict to one in its own names.

    Raises:
        ValueError: not one tensor fits.
    """
    adapt = getattr(network, 'adapt_state_dict', dict)
    with torch.no_grad():
        fitting, account = fit_by_name(network.state_dict(), adapt(stored))
        if not fitting:
            raise ValueError(
                f'none of {len(stored)} stored tensors fits: stored are {_some(stored)}, '
                f'expected are {_some(network.state_dict())}'
            )
        network.load_state_dict(fitting, strict=False)
    return account


def _some(names: Iterable[str]) -> str:
    first = list(names)[:3]
    return ', '.join([*first, '...'])
