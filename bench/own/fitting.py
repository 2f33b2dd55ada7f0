"""Check in a worker that a translated model builds, takes its images and fits its checkpoint; nothing is trained.

All networks stay on the meta device: shapes without memory.
"""

import re
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import mmseg.datasets
import mmseg.engine
import mmseg.models  # noqa: F401  (these three fill the registries)
import torch
from mmengine.config import Config
from mmengine.registry import DefaultScope, Registry
from mmseg.models.segmentors.base import BaseSegmentor
from mmseg.registry import MODELS, OPTIM_WRAPPER_CONSTRUCTORS, OPTIMIZERS, TRANSFORMS
from torch import nn

import custom_ops  # noqa: F401  (fills them too)
from bench import checkpoints, compose, pipelines, schedules, sizes
from bench.errors import BenchError, PlanError, UnknownName
from bench.measure import cost, footprint
from bench.own.translate import Target, Translation, translate
from bench.records import Size

STRIDES = (1, 8, 16, 32, 64, 128)
"""Sides that networks want to be multiples of, the usual ones."""

COMPILED = ('mmcv.ops', 'mmcv._ext', 'onedl-mmcv')
"""What the toolbox's errors say where an operator was not compiled."""


def experiment_text(config: Path, target: Target, checkpoint: Mapping[str, str] | None, origin: Path | None) -> str:
    """Return the text of the experiment that trains or evaluates the model of the config file ``config``.

    Args:
        checkpoint: as for ``translate``; its file is ``origin``.

    Raises:
        BenchError: it cannot run here; the message says why.
    """
    made = translate(read_config(config), target, checkpoint)
    _check_parts(made.values)
    model = _build(made.values['model'], target)
    _take_images(model, made, target)
    if origin is not None:
        _fit(model, origin, target, made.notes)
    notes = ''.join(f'{note[0].upper()}{note[1:]}.\n' for note in made.notes)
    how = '' if checkpoint is None else f', evaluated with {checkpoint["name"]}'
    heading = f'A model of your own: {config.name}{how}.\n\n{notes}'.replace('\\', '/')
    return f'"""{heading}"""\n\n{compose.ResolvedConfig(made.values).pretty_text}\n'


def read_config(path: Path) -> Config:
    """Load a text config with its bases.

    Raises:
        PlanError: the file, a base or a module it imports is missing, or it is no text config.
    """
    try:
        if Config._is_lazy_import(str(path)):
            raise PlanError('imports its bases (read_base): only text configs, _base_ = [...], are read')
        return Config.fromfile(path)
    except ImportError as error:
        found = re.search(r"'imports': (\[[^]]*\]|'[^']*')", str(error))
        what = f'custom_imports {found[1]}' if found else str(error).partition('\n')[0]
        raise PlanError(f'{what} cannot be imported: install it, or put its folder on PYTHONPATH') from None
    except PlanError:
        raise
    except Exception as error:
        raise PlanError(f'is no readable config: {type(error).__name__}: {_first_line(error)}') from None


def _check_parts(values: Mapping[str, Any]) -> None:
    """Build everything but the network: a misspelt option is found before anything is trained."""
    optimizer = {**values['optimizer'], 'params': [nn.Parameter(torch.zeros(1))]}
    _known('optimizer', optimizer['type'], OPTIMIZERS)
    if 'constructor' in values:
        _known('optimizer constructor', values['constructor'], OPTIM_WRAPPER_CONSTRUCTORS)
    with DefaultScope.overwrite_default_scope('mmseg'):
        with explained('its optimizer cannot be built'):
            OPTIMIZERS.build(optimizer)
        for transform in values['protocol']['augment']:
            _known('transform', transform['type'], TRANSFORMS)
            with explained(f'its transform {transform["type"]} cannot be built'):
                TRANSFORMS.build(transform)
    for entry in values['protocol']['schedule']:
        schedules.schedulers([entry], values['protocol']['epochs'] or 1, 1, 1)


def _known(kind: str, name: str, registry: Registry) -> None:
    with DefaultScope.overwrite_default_scope('mmseg'):
        if registry.get(name) is None:
            raise UnknownName(kind, name, _names(registry))


def _names(registry: Registry) -> set[str]:
    parent = set() if registry.parent is None else _names(registry.parent)
    return parent | set(registry.module_dict)


def _build(model: Mapping[str, Any], target: Target) -> nn.Module:
    with explained('cannot be built'):
        built = cost.build_on_meta(compose.model_for(model, len(target.classes)))
    if not isinstance(built, BaseSegmentor) or type(built).__name__ == 'DepthEstimator':
        raise PlanError(f"model type {model['type']!r} is no segmentor: choose 'EncoderDecoder' or one like it")
    return built


def _take_images(model: nn.Module, made: Translation, target: Target) -> None:
    """Run the network at the run's size, settle the stride of its crops and the size its cost is counted at."""
    protocol, classes = made.values['protocol'], len(target.classes)
    if target.as_stated:
        target = replace(target, size=tuple(protocol['cost']['input_shape'][1:]))
    outputs = _forward(model, target.size, protocol['cost']['input_shape'][1:])
    if outputs.shape[1] != classes and (outputs.shape[1], classes) != (1, 2):
        raise PlanError(
            f'it predicts {outputs.shape[1]} classes, {target.dataset} has {classes}: its heads must call theirs '
            f'num_classes'
        )
    view = protocol['train_view']
    if view['kind'] == 'crop':
        protocol['stride'] = _stride(model, protocol, target)
    network = compose.model_for(made.values['model'], classes)
    with explained('cannot be trained on its crops'):
        footprint.training_footprint(network, (3, *pipelines.train_size(protocol, target.size)), 2)
    try:
        cost.count_config(made.values['model'], protocol['cost']['input_shape'], False)
    except Exception:
        height, width = protocol['cost']['input_shape'][1:]
        protocol['cost']['input_shape'] = (3, *target.size)
        protocol['num_classes'] = classes
        made.notes.append(f'it does not take {height}x{width}; its cost is counted at the size of the run')


def _stride(model: nn.Module, protocol: Mapping[str, Any], target: Target) -> int:
    """Return the least stride that crops must be multiples of for the network to take them."""
    view = protocol['train_view']
    crops = [sizes.crop_size(tuple(view['size']), view['short_side'], target.size, stride) for stride in STRIDES]
    taken = next((stride for stride, crop in zip(STRIDES, crops, strict=True) if _takes(model, crop)), None)
    if taken is None:
        with explained(f'takes none of the crops {", ".join(f"{h}x{w}" for h, w in dict.fromkeys(crops))}'):
            _run(model, crops[-1])
    return taken or STRIDES[-1]


def _forward(model: nn.Module, size: Size, documented: Size) -> torch.Tensor:
    if not _takes(model, size):
        near = [*((-(-size[0] // s) * s, -(-size[1] // s) * s) for s in STRIDES), documented]
        fitting = next((f'; --size {h}x{w} goes' for h, w in near if _takes(model, (h, w))), '')
        with explained(f'does not take images of {size[0]}x{size[1]}{fitting}'):
            _run(model, size)
    return _run(model, size)


def _takes(model: nn.Module, size: Size) -> bool:
    try:
        _run(model, size)
    except Exception:
        return False
    return True


def _run(model: nn.Module, size: Size) -> torch.Tensor:
    with torch.no_grad(), torch.device('meta'):
        outputs = model.eval()(torch.empty(1, 3, *size))
    return outputs[0] if isinstance(outputs, (list, tuple)) else outputs


def _fit(model: nn.Module, path: Path, target: Target, notes: list[str]) -> None:
    stored = checkpoints.read(path)
    reason = checkpoints.misfit(model, stored.state)
    if reason:
        raise PlanError(f'{path.name} is no checkpoint of this model with {len(target.classes)} classes: {reason}')
    if not stored.classes or stored.classes == target.classes:
        return
    if sorted(stored.classes) == sorted(target.classes):
        raise PlanError(
            f'{path.name} has the classes of {target.dataset} in another order, {", ".join(stored.classes)}: '
            'every score would be of another class; give the data set its classes and label values in that order'
        )
    here, there = next((h, t) for h, t in _paired(target.classes, stored.classes) if h != t)
    notes.append(f'{path.name} calls a class {there!r} where {target.dataset} has {here!r}')


def _paired(here: tuple[str, ...], there: tuple[str, ...]) -> list[tuple[str, str]]:
    length = max(len(here), len(there))
    return list(zip((*here, *[''] * length), (*there, *[''] * length), strict=False))


@contextmanager
def explained(what: str) -> Iterator[None]:
    """Turn whatever a network raises into one line that says what is missing."""
    try:
        yield
    except BenchError:
        raise
    except Exception as error:
        unknown = re.search(r'(\w+) is not in the ([\w:]+) registry', str(error))
        if unknown:
            raise UnknownName('type', unknown[1], _names(MODELS)) from None
        if any(name in str(error) for name in COMPILED):
            raise PlanError(
                f'needs compiled operators of mmcv.ops, which are not installed: {_first_line(error)}'
            ) from None
        raise PlanError(f'{what} ({type(error).__name__}: {_first_line(error)})') from None


def _first_line(error: BaseException) -> str:
    """Return the first line of an exception's text; the line that failed where it has none, as bare assertions do."""
    failed = traceback.extract_tb(error.__traceback__)[-1].line if error.__traceback__ else ''
    return (str(error).strip().splitlines() or [failed or ''])[0][:300]
