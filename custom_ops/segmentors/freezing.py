"""Freeze parts of a segmentor by name, so that training changes neither their parameters nor their statistics.

Source: the staged protocol of hierarchical_attention: attention alone, then one stage at a time without attention.
"""

from collections.abc import Iterable, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any

from mmengine.logging import print_log
from torch import nn

Blocks = Mapping[str, Sequence[nn.Module]]

PARTS = {
    'trunk': ('backbone', 'neck'),
    'segmentation': ('decode_head', 'auxiliary_head'),
    'attention': ('attention_head',),
}


def parts_of(model: nn.Module, prefix: str = '') -> dict[str, list[nn.Module]]:
    """Return the modules of ``trunk``, ``segmentation`` and ``attention`` of one network, of those that it has."""
    parts = {}
    for name, attributes in PARTS.items():
        modules = [getattr(model, attribute, None) for attribute in attributes]
        present = [module for module in modules if module is not None]
        if present:
            parts[prefix + name] = present
    return parts


def blocks_of(model: Any) -> dict[str, list[nn.Module]]:
    """Return the blocks of any toolbox segmentor by name: its own answer (``named_blocks``) if it has one."""
    return model.named_blocks() if hasattr(model, 'named_blocks') else parts_of(model)


def select_blocks(patterns: Iterable[str], blocks: Blocks) -> tuple[str, ...]:
    """Return the names of ``blocks`` that a pattern matches, in the order of ``blocks``.

    A pattern is a block's name, its last part ('trunk' stands for the trunks of all scales), or has ``*`` in it.

    Raises:
        ValueError: a pattern matches nothing; names the choices.
    """
    patterns = [patterns] if isinstance(patterns, str) else list(patterns)
    chosen: set[str] = set()
    for pattern in patterns:
        hits = {name for name in blocks if fnmatchcase(name, pattern) or name.rpartition('/')[2] == pattern}
        if not hits:
            raise ValueError(f'nothing to freeze is called {pattern!r}; choose from {", ".join(blocks)}; * matches any')
        chosen |= hits
    return tuple(name for name in blocks if name in chosen)


def freeze(model: Any, patterns: Iterable[str]) -> dict[str, int]:
    """Freeze exactly the blocks that ``patterns`` name, releasing those frozen before; say so in the log.

    Their parameters no longer require gradients; their modules are put into evaluation mode, so that batch norm
    neither uses nor changes the statistics of a batch and dropout is off. ``hold_still`` keeps them there.
    Parameters that something else had frozen (``frozen_stages`` of a trunk) stay frozen on release.

    Returns:
        Block name -> number of its parameter elements that were frozen by this call.

    Raises:
        ValueError: a pattern matches nothing.
    """
    blocks = blocks_of(model)
    chosen = select_blocks(patterns, blocks)
    _release(model)
    held: list[str] = []
    names = {id(parameter): name for name, parameter in model.named_parameters()}
    report = {}
    for block in chosen:
        fresh = [p for module in blocks[block] for p in module.parameters() if p.requires_grad]
        report[block] = sum(p.numel() for p in fresh)
        held += [names[id(p)] for p in fresh]
        for parameter in fresh:
            parameter.requires_grad_(False)
    model.frozen_blocks, model.frozen_parameters = chosen, tuple(held)
    hold_still(model)
    listed = ', '.join(f'{name} ({number:,} parameters)' for name, number in report.items()) or 'nothing'
    print_log(f'frozen: {listed}', logger='current')
    return report


def hold_still(model: Any) -> None:
    """Put the frozen blocks of ``model`` back into evaluation mode, where ``model.train()`` has woken them."""
    frozen = getattr(model, 'frozen_blocks', ())
    blocks = blocks_of(model) if frozen else {}
    for name in frozen:
        for module in blocks[name]:
            if module.training:
                module.eval()


def _release(model: Any) -> None:
    blocks = blocks_of(model)
    for name in getattr(model, 'frozen_parameters', ()):
        model.get_parameter(name).requires_grad_(True)
    for name in getattr(model, 'frozen_blocks', ()):
        for module in blocks[name]:
            module.train(model.training)
