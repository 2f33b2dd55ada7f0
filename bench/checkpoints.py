"""Checkpoints, the user's and our own: read without running anything in them, and loaded whole or not at all."""

import pickle
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import torch
from torch import Tensor, nn

from bench.errors import DataError

NEVER_DEPLOYED = 'auxiliary_head.'
"""Heads that only train: a checkpoint without them predicts the same."""


@dataclass(frozen=True)
class Stored:
    """What a checkpoint holds: the tensors of its model by name, and its classes where it says so (else empty)."""

    state: Mapping[str, Tensor]
    classes: tuple[str, ...] = ()
    palette: tuple[tuple[int, int, int], ...] = ()


class _Inert:
    """Stands in for everything in a checkpoint that is no tensor: histories, random states, a program's objects."""

    def __init__(self, *_: Any, **__: Any) -> None:
        pass

    def __call__(self, *_: Any, **__: Any) -> '_Inert':
        return self

    def __setstate__(self, state: Any) -> None:
        pass

    def __setitem__(self, key: Any, value: Any) -> None:
        pass

    def append(self, item: Any) -> None:
        pass

    def extend(self, items: Any) -> None:
        pass


class _TensorsOnly(pickle.Unpickler):
    """An unpickler that can make tensors and containers; a checkpoint from elsewhere gets to run nothing."""

    def find_class(self, module: str, name: str) -> Any:
        tensor = module in ('torch', 'torch._utils', 'torch.storage', 'torch.serialization')
        known = name.startswith('_rebuild_') or name.endswith('Storage') or name in ('Size', 'device', '_get_layout')
        dtype = module == 'torch' and isinstance(getattr(torch, name, None), torch.dtype)
        container = (module, name) == ('collections', 'OrderedDict')
        if container or dtype or (tensor and known):
            return super().find_class(module, name)
        return _Inert


_PICKLE = ModuleType('tensors_only')
_PICKLE.__dict__.update(Unpickler=_TensorsOnly, load=lambda file, **options: _TensorsOnly(file, **options).load())


def read(path: Path) -> Stored:
    """Return what the checkpoint at ``path`` holds: a state dict, or one under ``state_dict`` or ``model_state`` as
    trainers store it.

    Names lose the ``module.`` of a model that was trained on several devices.

    Raises:
        DataError: there is no such file, it is no checkpoint, or it holds no tensors.
    """
    try:
        stored = torch.load(path, map_location='cpu', weights_only=False, pickle_module=_PICKLE)
    except FileNotFoundError:
        raise DataError(f'no checkpoint {path}') from None
    except Exception as error:
        reason = str(error).strip().partition('\n')[0] or type(error).__name__
        raise DataError(f'{path} is no whole checkpoint of torch ({reason})') from None
    state = stored.get('state_dict', stored.get('model_state', stored)) if isinstance(stored, Mapping) else {}
    tensors = {str(key).removeprefix('module.'): value for key, value in state.items() if isinstance(value, Tensor)}
    if not tensors:
        raise DataError(f'{path} holds no tensors: a state dict is needed, or one under the key state_dict')
    meta = stored.get('meta') if isinstance(stored.get('meta'), Mapping) else {}
    about = meta.get('dataset_meta') or {'classes': meta.get('CLASSES'), 'palette': meta.get('PALETTE')}
    about = about if isinstance(about, Mapping) else {}
    classes = _sequence(about.get('classes'))
    colours = [_sequence(colour) for colour in _sequence(about.get('palette'))]
    palette = tuple((int(r), int(g), int(b)) for r, g, b in colours) if all(len(c) == 3 for c in colours) else ()
    return Stored(tensors, tuple(map(str, classes)), palette)


def misfit(model: nn.Module, state: Mapping[str, Tensor]) -> str:
    """Return why ``state`` cannot be the weights of ``model``, in words; empty if it can.

    Tensors that the model has no place for are no reason, nor are missing ones that no prediction depends on.
    """
    own = model.state_dict()
    needed = [name for name in own if not name.startswith(NEVER_DEPLOYED) and not name.endswith('num_batches_tracked')]
    missing = [name for name in needed if name not in state]
    if missing:
        return f'{len(missing)} of {len(needed)} tensors are missing from it: {_some(missing)}; it has {_some(state)}'
    other = [name for name in own if name in state and own[name].shape != state[name].shape]
    if other:
        shapes = [f'{name} {tuple(state[name].shape)}, the model {tuple(own[name].shape)}' for name in other]
        return f'{len(other)} tensors have another shape: {_some(shapes)}'
    return ''


def load_whole(model: nn.Module, path: Path, name: str) -> dict[str, Any]:
    """Load a checkpoint and return the ``init`` block of the receipt.

    Args:
        path: the file; its stem is the SHA-256 of its content.
        name: what the user calls it.

    Raises:
        DataError: a tensor that predictions depend on is missing or has another shape.
    """
    state = read(path).state
    reason = misfit(model, state)
    if reason:
        raise DataError(f'{name}: {reason}')
    own = model.state_dict()
    model.load_state_dict({key: value for key, value in state.items() if key in own}, strict=False)
    left = sorted(set(own) - set(state))
    used = f'{name} sha256:{path.stem}'
    block = {'documented': None, 'used': used, 'loaded': len(own) - len(left), 'of': len(own), 'left_random': left}
    return {**block, 'unused': sorted(set(state) - set(own))}


def _sequence(value: Any) -> Sequence[Any]:
    return value if isinstance(value, (list, tuple)) else ()


def _some(names: Any) -> str:
    listed = list(names)
    return ', '.join([*listed[:3], *(['...'] if len(listed) > 3 else [])])
