"""Put a user's mmseg config into the form of an experiment: model, optimizer, protocol. Pure; no torch.

What cannot be carried over is refused with the reason; what is read in one of several ways is noted.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any

from bench import sizes
from bench.errors import PlanError
from bench.own import heads, views, windows
from bench.pipelines import plain
from bench.records import Size

LOOPS = ('IterBasedTrainLoop', 'EpochBasedTrainLoop')
OPTIMIZER_PARTS = ('paramwise_cfg', 'constructor', 'clip_grad')
LEFT_TO_THE_COMMAND = ('AmpOptimWrapper', 'ApexOptimWrapper')


@dataclass(frozen=True)
class Target:
    """What a model is translated for: names of the classes, training images, and the run's image size (H, W).

    ``as_stated``: the network is only timed, at the size of its config, with the sliding windows of its config.
    """

    dataset: str
    classes: tuple[str, ...]
    images: int
    size: Size
    as_stated: bool = False


@dataclass
class Translation:
    """An experiment's ``values`` (model, optimizer, protocol, ...) and ``notes`` on what was read how."""

    values: dict[str, Any]
    notes: list[str] = field(default_factory=list)


def translate(config: Mapping[str, Any], target: Target, checkpoint: Mapping[str, str] | None = None) -> Translation:
    """Return the experiment that trains the config's model as the config says, or only evaluates it.

    Args:
        config: an mmseg config with its bases resolved.
        target: what it will run on.
        checkpoint: ``file`` (beside the experiment's file) and ``name`` of the weights to evaluate; None: train.

    Raises:
        PlanError: the config lacks something, or asks for what is not there; names the value, the rule, the choices.
    """
    notes: list[str] = []
    _check_style(config)
    model, weights = _model(config, target, checkpoint is None, notes)
    view = views.read(views.pipeline_of(config), config, target.size, notes)
    windows.batch(model, config, view.documented)
    protocol = _protocol(model, view, target)
    values: dict[str, Any] = {'model': model, 'optimizer': {'type': 'SGD', 'lr': 0.01}, 'protocol': protocol}
    if config.get('custom_imports'):
        values['custom_imports'] = plain(config['custom_imports'])
    if checkpoint is not None:
        whole = {'kind': 'whole', 'size': view.documented}
        protocol |= {'stages': [], 'start': [dict(checkpoint)], 'train_view': whole, 'augment': []}
        own, here = views.test_size(config), target.size
        if own not in (None, here) and not target.as_stated:
            stated = f'{own[0]}x{own[1]}'
            notes.append(
                f'its test images are resized to {stated}, here they are scored at {here[0]}x{here[1]}; '
                f'--size {stated} scores as the config says'
            )
        return Translation(values, notes)
    optimizer, parts, accumulate = _optimizer(config, notes)
    values |= {'optimizer': optimizer, **parts}
    protocol |= {'weights': weights, **_length(config, target, accumulate)}
    if not target.as_stated:
        _scale_windows(model, protocol, target, notes)
    if config.get('custom_hooks'):
        notes.append(f'its own hooks are left out: {", ".join(hook["type"] for hook in config["custom_hooks"])}')
    return Translation(values, notes)


def _protocol(model: Mapping[str, Any], view: views.View, target: Target) -> dict[str, Any]:
    """Return a protocol that trains nothing; the stride of the crops is found out with the network."""
    return {
        # Documented on none: whole images are brought to the size of the run.
        'dataset': None,
        'documented_images': target.images,
        'samples_per_image': 1,
        'num_classes': heads.main_classes(model) or len(target.classes),
        'epochs': 0,
        'batch_size': 1,
        'train_view': view.train,
        'test_view': {'kind': 'native'},
        'stride': 1,
        'augment': view.augment,
        'schedule': [{'kind': 'constant'}],
        'weights': None,
        'cost': {'input_shape': (3, *view.documented), 'count_auxiliary': False},
    }


def _check_style(config: Mapping[str, Any]) -> None:
    if isinstance(config.get('data'), Mapping) and 'samples_per_gpu' in config['data']:
        raise PlanError('written for mmseg 0.x (data.samples_per_gpu): 1.x has train_dataloader and optim_wrapper')
    if not isinstance(config.get('model'), Mapping) or 'type' not in config['model']:
        raise PlanError("states no model: a segmentation config has model = dict(type='EncoderDecoder', ...)")
    scope = config.get('default_scope', 'mmseg')
    if scope != 'mmseg':
        raise PlanError(f"default_scope is {scope!r}: only 'mmseg' configs are read")


def _model(
    config: Mapping[str, Any], target: Target, trained: bool, notes: list[str]
) -> tuple[dict[str, Any], str | None]:
    """Return the model for one device and nothing to fetch, and the name of the weights that it starts from."""
    named: list[str] = []
    model = for_one_device(plain(config['model']), named)
    preprocessor = model.get('data_preprocessor') or for_one_device(plain(config.get('data_preprocessor')), named)
    if not preprocessor or 'type' not in preprocessor:
        raise PlanError("states no data_preprocessor: give one, dict(type='SegDataPreProcessor', mean=..., std=...)")
    preprocessor['type'] = preprocessor['type'].removeprefix('mmseg.')
    # Batches are of one size already; the size of the documented crop would pad a smaller one up to it.
    kept = {key: value for key, value in preprocessor.items() if key not in ('size', 'size_divisor')}
    resized = preprocessor['type'] == 'SegDataPreProcessor' or len(kept) < len(preprocessor)
    model['data_preprocessor'] = {**kept, 'size_divisor': 1} if resized else preprocessor
    _check_classes(model, target, trained, notes)
    if config.get('load_from'):
        named.insert(0, weights_name(config['load_from']))
    if trained and len(set(named)) > 1:
        notes.append(f'starts from {named[0]}; other weights are left out: {", ".join(sorted(set(named[1:])))}')
    return model, named[0] if named else None


def for_one_device(node: Any, named: list[str]) -> Any:
    """Return ``node`` with plain batch normalisation and without weights to fetch, whose names go to ``named``."""
    if isinstance(node, (list, tuple)):
        return type(node)(for_one_device(item, named) for item in node)
    if not isinstance(node, Mapping):
        return node
    made = {}
    for key, value in node.items():
        if key == 'pretrained' and isinstance(value, str):
            named.append(weights_name(value))
        elif key == 'init_cfg' and isinstance(value, Mapping) and value.get('type') == 'Pretrained':
            named.append(weights_name(value['checkpoint']))
        elif key == 'type' and value in ('SyncBN', 'MMSyncBN'):
            made[key] = 'BN'
        else:
            made[key] = for_one_device(value, named)
    return made


def weights_name(source: str) -> str:
    """Return the name under which weights that a config refers to are looked up.

    >>> weights_name('open-mmlab://resnet50_v1c'), weights_name('https://host/a/swin_tiny-1cdeb081.pth')
    ('resnet50_v1c', 'swin_tiny-1cdeb081')
    """
    return PurePosixPath(source.partition('://')[2] or source).name.removesuffix('.pth')


def _check_classes(model: dict[str, Any], target: Target, trained: bool, notes: list[str]) -> None:
    count, stated = len(target.classes), heads.main_classes(model)
    if not trained and stated not in (None, count):
        raise PlanError(
            f'its heads have {stated} classes, {target.dataset} has {count}: an evaluation '
            f'needs the same classes; choose a data set that has them, or train without --checkpoint'
        )
    if stated not in (None, count):
        notes.append(f'heads of {stated} classes are replaced by heads of {count}')
    for node in list(_dicts(model)):
        weights = node.get('class_weight')
        if isinstance(weights, Sequence) and not isinstance(weights, str) and len(weights) != count:
            del node['class_weight']
            notes.append(f'a loss had weights for {len(weights)} classes; it weighs the {count} alike')
        replaced = stated not in (None, count) and node.get('num_classes') == stated
        if replaced and node.get('out_channels') in (1, stated):
            # As many outputs as there were classes, or the one of a binary head: as many as there are classes now.
            node.pop('out_channels')
            node.pop('threshold', None)


def _optimizer(config: Mapping[str, Any], notes: list[str]) -> tuple[dict[str, Any], dict[str, Any], int]:
    wrapper = plain(config.get('optim_wrapper')) or {'optimizer': plain(config.get('optimizer'))}
    if not (wrapper.get('optimizer') or {}).get('type'):
        raise PlanError('states no optimizer: a training needs optim_wrapper = dict(optimizer=dict(type=...))')
    if wrapper.get('type') in LEFT_TO_THE_COMMAND:
        notes.append(f'{wrapper["type"]}: the precision is that of the command, see --precision')
    parts = {key: wrapper[key] for key in OPTIMIZER_PARTS if wrapper.get(key)}
    return wrapper['optimizer'], parts, int(wrapper.get('accumulative_counts', 1))


def _length(config: Mapping[str, Any], target: Target, accumulate: int) -> dict[str, Any]:
    """Return ``epochs``, ``batch_size``, ``samples_per_image`` and ``schedule``.

    A training of so many iterations keeps them: its epochs follow from the images at hand.
    """
    loop = config.get('train_cfg')
    if not loop:
        raise PlanError('states no train_cfg: say how long to train, or give a --checkpoint to evaluate')
    kind = loop.get('type') or LOOPS[loop.get('by_epoch', True)]
    if kind not in LOOPS:
        raise PlanError(f'train_cfg.type is {kind!r}: choose from {", ".join(LOOPS)}')
    batch = _positive('train_dataloader.batch_size', (config.get('train_dataloader') or {}).get('batch_size'))
    times = 1
    if kind == LOOPS[0]:
        iterations = _positive('train_cfg.max_iters', loop.get('max_iters'))
        epochs = iterations * batch / target.images
    else:
        times = views.repeats(config)
        epochs = _positive('train_cfg.max_epochs', loop.get('max_epochs'))
        iterations = math.ceil(target.images * times / batch) * epochs
    return {
        'epochs': epochs,
        'batch_size': batch * accumulate,
        'samples_per_image': times,
        'schedule': _schedule(config, epochs, iterations),
    }


def _positive(name: str, value: Any) -> int:
    if not isinstance(value, int) or value < 1:
        raise PlanError(f'{name} is {value!r}: a whole number from 1 on')
    return value


def _schedule(config: Mapping[str, Any], epochs: float, iterations: int) -> list[dict[str, Any]]:
    stated = plain(config.get('param_scheduler')) or []
    made = [
        {'kind': 'toolbox', 'of': epochs if one.get('by_epoch', True) else iterations, 'scheduler': one}
        for one in ([stated] if isinstance(stated, Mapping) else stated)
    ]
    return made or [{'kind': 'constant'}]


def _scale_windows(model: dict[str, Any], protocol: Mapping[str, Any], target: Target, notes: list[str]) -> None:
    """Make sliding windows cover the share of the image that they covered, as the training crops do."""
    test, view = model.get('test_cfg') or {}, protocol['train_view']
    if test.get('mode', 'whole') == 'whole' or view['kind'] != 'crop' or not test.get('crop_size'):
        return
    window = views.pair(test['crop_size'])
    made = sizes.crop_size(window, view['short_side'], target.size, 1)
    if made != window:
        step = views.pair(test['stride'])
        test['crop_size'] = made
        test['stride'] = tuple(max(1, round(s * m / w)) for s, m, w in zip(step, made, window, strict=True))
        notes.append(f'windows of {window[0]}x{window[1]} become {made[0]}x{made[1]}, as the training crops do')


def _dicts(node: Any) -> Iterator[dict[str, Any]]:
    if isinstance(node, dict):
        yield node
    if isinstance(node, (dict, list, tuple)):
        for item in node.values() if isinstance(node, dict) else node:
            yield from _dicts(item)
