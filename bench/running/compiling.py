"""Compile a network's parts, where a compiler is at hand; the record says what came of it."""

from collections.abc import Set
from functools import cache
from typing import Any

import torch
from mmseg.models.segmentors import BaseSegmentor
from torch import nn
from torch._dynamo import config
from torch._dynamo.utils import counters

FORMS = 128
"""How many forms of one ``forward`` may be compiled: parts of one class share it, each with every shape it meets.

torch gives up after 8, without an error: three trunks of one class at three batches each.
"""
# torch 2.6 has the older name alone.
_LIMIT = 'recompile_limit' if hasattr(config, 'recompile_limit') else 'cache_size_limit'


@cache
def why_not(device: str) -> str:
    """Return why nothing can be compiled for ``device`` here ('' where it can): one tiny function is tried."""
    try:
        torch.compile(lambda values: (values + 1).relu())(torch.ones(2, device=device))
    except Exception as error:
        return f'{type(error).__name__}: {error}'.strip().splitlines()[0][:200]
    return ''


def compile_parts(model: nn.Module, device: str) -> dict[str, Any]:
    """Compile the forward of each part of ``model`` in place: its children, and those of lists of them.

    Segmentors call their parts' ``forward`` directly and do much in between that is no tensor, which no compiler
    follows; the names of weights stay as they are. What cannot be compiled after all runs as it is, see ``left_eager``.
    A head of which a layer is read (``watched_heads`` of a segmentor) is compiled layer by layer.

    Returns:
        ``parts``, the names of those compiled, and ``reason``, why there are none ('' where there are).
    """
    reason = why_not(device)
    if reason:
        return {'parts': [], 'reason': reason}
    config.suppress_errors = True
    setattr(config, _LIMIT, FORMS)
    counters.clear()
    watched = {id(head) for module in model.modules() for head in getattr(module, 'watched_heads', ())}
    parts = {
        name: part
        for child_name, child in model.named_children()
        if child_name != 'data_preprocessor'
        for name, part in _leaves(child_name, child, watched)
        if any(True for _ in part.parameters())
    }
    for part in parts.values():
        # Kernels for each shape that comes are faster than those for any shape; networks see few.
        part.forward = torch.compile(part.forward, dynamic=False)  # type: ignore[method-assign]
    return {'parts': list(parts), 'reason': ''}


def left_eager() -> int:
    """Return how many pieces of code were given up since the last ``compile_parts``: they run uncompiled."""
    frames = counters['frames']
    return int(frames.get('total', 0) - frames.get('ok', 0))


def _leaves(name: str, child: nn.Module, watched: Set[int]) -> list[tuple[str, nn.Module]]:
    # A segmentor within a segmentor, a stage of scales, is asked for its parts as well and not for its forward.
    if isinstance(child, (nn.ModuleList, nn.ModuleDict, BaseSegmentor)) or id(child) in watched:
        own = [(key, part) for key, part in child.named_children() if key != 'data_preprocessor']
        return [pair for key, part in own for pair in _leaves(f'{name}.{key}', part, watched)]
    return [(name, child)]
