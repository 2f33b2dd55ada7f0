"""Initial weights by name: from files the user has, from finished runs, from the stage before. Nothing is fetched.

What was loaded, and what was not, is recorded.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from bench import checkpoints
from bench.errors import BenchError
from bench.stages import Start
from custom_ops.backbones.by_name import LoadedByName, fit_by_name, random_blocks


def initialise(model: nn.Module, documented: str | None, folder: Path) -> dict[str, Any]:
    """Load the documented weights into ``model`` where the user has them; return the ``init`` block.

    Args:
        documented: name of the weights the experiment starts from; the file looked for is ``<folder>/<name>.pth``,
            a state dict (or a checkpoint holding one) with torchvision's or mmseg's parameter names, of the trunk
            alone or of the whole model.
        folder: the weights folder.

    Returns:
        ``documented`` and ``used`` names ('random' for none), the ``sha256`` of the file, how many tensors were
        ``loaded`` out of ``of`` in the parts that the file reaches, ``left_random``, the names of the others in them,
        ``random_blocks``, the residual blocks of which nothing was loaded, and ``untouched``, the parts of the model
        that the file does not reach.

    Raises:
        BenchError: the file is there, and not one of its tensors fits.
    """
    block: dict[str, Any] = {'documented': documented or 'random', 'used': 'random', 'loaded': 0, 'of': None}
    if documented is None:
        return block
    path = folder / f'{documented}.pth'
    if not path.exists():
        return block
    stored = checkpoints.read(path).state
    for part in ('backbone', 'decode_head'):
        stored = getattr(getattr(model, part, None), 'adapt_state_dict', dict)(stored)
    own = model.state_dict()
    named = {name if name in own else f'backbone.{name}': tensor for name, tensor in stored.items()}
    account = load(model, named)
    if not account.loaded:
        raise BenchError(f'{path}: none of its {len(stored)} tensors fits: {_some(stored)} for {_some(own)}')
    with path.open('rb') as file:
        digest = hashlib.file_digest(file, 'sha256').hexdigest()
    return {**block, 'used': documented, 'sha256': digest, **describe(account)}


def load(model: nn.Module, stored: Mapping[str, Tensor], skip: Iterable[str] = ()) -> LoadedByName:
    """Load into ``model`` every tensor of ``stored`` that has a name and shape of its own; say which and which not.

    ``skip`` are globs over the model's names that are left as they are.
    """
    own = model.state_dict()
    kept = [name for name in own if any(fnmatchcase(name, glob) for glob in skip)]
    fitting, account = fit_by_name({name: own[name] for name in own.keys() - set(kept)}, stored, prefix='')
    model.load_state_dict(fitting, strict=False)
    return replace(account, left=tuple(sorted((*account.left, *kept))))


def begin(model: nn.Module, start: Start, path: Path) -> dict[str, Any]:
    """Load the checkpoint at ``path`` of a finished run as ``start`` says; return what became of its tensors.

    Raises:
        BenchError: not one of its tensors fits.
    """
    stored = {
        start.into + name.removeprefix(start.of): tensor
        for name, tensor in checkpoints.read(path).state.items()
        if name.startswith(start.of)
    }
    account = load(model, stored, start.skip)
    if not account.loaded:
        own = [name for name in model.state_dict() if name.startswith(start.into)]
        raise BenchError(
            f'nothing of {start.parent} fits: of={start.of!r} and into={start.into!r} make {_some(stored)}, '
            f'the model has {_some(own)}'
        )
    about = {'parent': start.parent, 'checkpoint': start.checkpoint, 'into': start.into}
    return {**about, **describe(account), 'unused': list(account.unused)}


def describe(account: LoadedByName) -> dict[str, Any]:
    """Return an account as a block of the receipt; see ``initialise``."""
    reached = {_part(name) for name in account.loaded}
    left = [name for name in account.left if _part(name) in reached]
    return {
        'loaded': len(account.loaded),
        'of': len(account.loaded) + len(left),
        'left_random': left,
        'random_blocks': list(random_blocks(_below_backbone(account))),
        'untouched': sorted({_part(name) for name in account.left} - reached),
    }


def _part(name: str) -> str:
    return name.split('.', 1)[0]


def _below_backbone(account: LoadedByName) -> LoadedByName:
    loaded, left = (tuple(name.removeprefix('backbone.') for name in names) for names in (account.loaded, account.left))
    return LoadedByName(loaded, left, ())


def _some(names: Iterable[str]) -> str:
    listed = list(names)
    return ', '.join([*listed[:3], '...']) if listed else 'nothing'
