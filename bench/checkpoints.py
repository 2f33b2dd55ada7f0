"""Checkpoints, the user's and our own: read without running anything in them, and loaded whole or not at all."""

import pickle
import tarfile
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
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


class _Dict(dict[Any, Any]):
    """An ``OrderedDict`` that takes no attributes, which could stand before the methods it is read with."""

    __slots__ = ()

    def __setstate__(self, state: Any) -> None:
        pass


class _Maker:
    """Called in place of a function of torch. A checkpoint may set attributes of all it names, of this it cannot."""

    __slots__ = ('_make',)

    def __init__(self, make: Callable[..., Any]) -> None:
        self._make = make

    def __call__(self, *arguments: Any) -> Any:
        return self._make(*arguments)

    def __setstate__(self, state: Any) -> None:
        pass


def _tensor(storage: Any, offset: Any, size: Any, stride: Any, grad: Any = None, hooks: Any = None, bits: Any = None):
    """Stand for ``_rebuild_tensor`` and ``_rebuild_tensor_v2``, without what only a training would call."""
    return torch._utils._rebuild_tensor_v2(storage, offset, size, stride, False, OrderedDict(), bits)


def _typed(storage: Any, offset: Any, size: Any, stride: Any, grad: Any, hooks: Any, dtype: Any, bits: Any = None):
    """Stand for ``_rebuild_tensor_v3``, which younger kinds of numbers need."""
    return torch._utils._rebuild_tensor_v3(storage, offset, size, stride, False, OrderedDict(), dtype, bits)


def _parameter(data: Any, *_: Any) -> Any:
    return data


_UNTYPED = object()
"""Stands for ``UntypedStorage``, a class that a checkpoint could change for the whole process."""

_KNOWN: dict[tuple[str, str], Any] = {
    ('collections', 'OrderedDict'): _Dict,
    ('torch', 'Size'): torch.Size,
    ('torch.storage', 'UntypedStorage'): _UNTYPED,
    ('torch._utils', '_rebuild_tensor'): _Maker(_tensor),
    ('torch._utils', '_rebuild_tensor_v2'): _Maker(_tensor),
    ('torch._utils', '_rebuild_tensor_v3'): _Maker(_typed),
    ('torch._utils', '_rebuild_parameter'): _Maker(_parameter),
    ('torch._utils', '_rebuild_parameter_with_state'): _Maker(_parameter),
    **{('torch', name): value for name, value in vars(torch).items() if isinstance(value, torch.dtype)},
}
"""All that a checkpoint may name. Storages of one kind of numbers are looked up by torch, which makes them inert."""


class _TensorsOnly(pickle.Unpickler):
    """An unpickler that can make tensors and containers; a checkpoint from elsewhere gets to run nothing."""

    def find_class(self, module: str, name: str) -> Any:
        # Never the lookup of pickle: from protocol 4 on it follows dots, from any function to all that it can reach.
        return _KNOWN.get((module, name), _Inert)

    def __setattr__(self, name: str, value: Any) -> None:
        super().__setattr__(name, _storages_only(value) if name == 'persistent_load' else value)


def _storages_only(load: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Return ``load``, torch's lookup of what lies outside the pickle, for storages alone.

    For a class it would compare sources, and write the difference into a file of a name that the checkpoint gives.
    """

    def load_storage(saved: Any) -> Any:
        if type(saved) is not tuple or saved[:1] != ('storage',):
            return _Inert
        return load(tuple(torch.UntypedStorage if part is _UNTYPED else part for part in saved))

    return load_storage


_PICKLE = ModuleType('tensors_only')
_PICKLE.__dict__.update(Unpickler=_TensorsOnly, load=lambda file, **options: _TensorsOnly(file, **options).load())


def _refuse_other_formats(path: Path) -> None:
    """Refuse what ``torch.load`` would read without the unpickler.

    Raises:
        ValueError: the file is a TorchScript program, parts of which loading runs, or an archive, to be unpacked.
    """
    with path.open('rb') as file:
        if torch.serialization._is_zipfile(file):
            with torch.serialization._open_zipfile_reader(file) as archive:
                if torch.serialization._is_torchscript_zip(archive):
                    raise ValueError('a TorchScript program, which would be run: store its state_dict')
        elif tarfile.is_tarfile(file):
            raise ValueError('a tar archive')


def read(path: Path) -> Stored:
    """Return what the checkpoint at ``path`` holds: a state dict, or one under ``state_dict`` or ``model_state`` as
    trainers store it.

    Names lose the ``module.`` of a model that was trained on several devices.

    Raises:
        DataError: there is no such file, it is no checkpoint, or it holds no tensors.
    """
    try:
        _refuse_other_formats(path)
        stored = torch.load(path, map_location='cpu', weights_only=False, pickle_module=_PICKLE)
    except FileNotFoundError:
        raise DataError(f'no checkpoint {path}') from None
    except Exception as error:
        reason = str(error).strip().partition('\n')[0] or type(error).__name__
        raise DataError(f'{path} is no whole checkpoint of torch ({reason})') from None
    state = stored.get('state_dict', stored.get('model_state', stored)) if isinstance(stored, Mapping) else {}
    state = state if isinstance(state, Mapping) else {}
    named = {str(key).removeprefix('module.'): value for key, value in state.items() if isinstance(value, Tensor)}
    # A tensor can be given hooks, to be called in a training.
    tensors = {name: value.detach() for name, value in named.items()}
    if not tensors:
        raise DataError(f'{path} holds no tensors: a state dict is needed, or one under the key state_dict')
    meta = stored.get('meta') if isinstance(stored.get('meta'), Mapping) else {}
    about = meta.get('dataset_meta') or {'classes': meta.get('CLASSES'), 'palette': meta.get('PALETTE')}
    about = about if isinstance(about, Mapping) else {}
    classes = _sequence(about.get('classes'))
    colours = [_sequence(colour) for colour in _sequence(about.get('palette'))]
    whole = all(len(colour) == 3 and all(isinstance(part, int) for part in colour) for colour in colours)
    palette = tuple((r, g, b) for r, g, b in colours) if whole else ()
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
