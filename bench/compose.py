"""Compose an experiment's config, a data set, a budget and a seed into one config that mmengine runs.

Pure: reads the experiment's file, touches no GPU and writes nothing. The result also runs under mmseg's own
train and test tools.
"""

import pprint
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mmengine.config import Config

from bench import budgets, schedules, sizes
from bench.errors import PlanError
from bench.records import BudgetRule, DataSet, Run

PROTOCOL_KEYS = frozenset(
    (
        'dataset',
        'documented_images',
        'samples_per_image',
        'num_classes',
        'epochs',
        'batch_size',
        'train_view',
        'test_view',
        'stride',
        'augment',
        'schedule',
        'weights',
        'cost',
    )
)


class ResolvedConfig(Config):
    """A config whose text is plain ``pprint``: mmengine formats with yapf, a second for a config of this size."""

    @property
    def pretty_text(self) -> str:
        plain = _plain(self._cfg_dict.to_dict())
        return '\n'.join(
            f'{key} = {pprint.pformat(value, width=110, sort_dicts=False)}' for key, value in plain.items()
        )


@dataclass(frozen=True)
class Composition:
    """What ``compose`` returns: the config and the numbers that went into it.

    ``steps`` are optimiser steps, ``iterations = steps * accumulate``; ``epochs`` are passes over the training
    samples (fractional); ``crop`` is the training input (H, W).
    """

    config: Config
    steps: int
    accumulate: int
    batch_size: int
    epochs: float
    crop: tuple[int, int]


def read_experiment(path: Path) -> Config:
    """Load an experiment's config and check that its ``protocol`` says everything.

    Raises:
        PlanError: the file lacks ``model``, ``optimizer`` or ``protocol``, or the protocol has other keys.
    """
    config = Config.fromfile(path)
    missing = {'model', 'optimizer', 'protocol'} - set(config.keys())
    if missing:
        raise PlanError(f'{path}: an experiment states model, optimizer and protocol; missing: {sorted(missing)}')
    keys = set(config.protocol)
    if keys != PROTOCOL_KEYS:
        raise PlanError(
            f'{path}: protocol has unknown keys {sorted(keys - PROTOCOL_KEYS)} and lacks {sorted(PROTOCOL_KEYS - keys)}'
        )
    return config


def compose(
    experiment: Config,
    run: Run,
    dataset: DataSet,
    pair_lists: Mapping[str, Path],
    rule: BudgetRule,
    work_dir: Path,
    accumulate: int = 1,
    save_last: bool = True,
    class_pixels: Sequence[int] = (),
) -> Composition:
    """Return the resolved config of ``run``.

    Args:
        experiment: what ``read_experiment`` returned.
        pair_lists: for each split the file listing its image and label paths.
        rule: the budget.
        work_dir: where mmengine writes checkpoints and logs.
        accumulate: micro-batches per optimiser step; the batch is split, never shrunk.
        save_last: write a checkpoint at the end of training.
        class_pixels: labelled pixels of each class in the train split; needed by losses weighted by area.

    Raises:
        PlanError: ``accumulate`` does not divide the batch size, the schedule has an unknown kind, or the loss needs
            ``class_pixels`` and there are none.
    """
    protocol = experiment.protocol
    batch = budgets.batch_size(rule, protocol.batch_size)
    if batch % accumulate:
        raise PlanError(f'{run.experiment}: a batch of {batch} cannot be split into {accumulate} equal parts')
    samples = len(dataset.splits['train']) * protocol.samples_per_image
    steps = budgets.steps(rule, protocol.epochs, samples, batch)
    crop = train_size(protocol, run.size)
    config: dict[str, Any] = {
        'default_scope': 'mmseg',
        'custom_imports': {'imports': [*_extra_imports(experiment), 'custom_ops'], 'allow_failed_imports': False},
        'model': _with_areas(model_for(experiment.model, len(dataset.classes)), class_pixels, run.experiment),
        'optim_wrapper': _optim_wrapper(experiment, run, accumulate, rule.fused_adam),
        'param_scheduler': schedules.schedulers(protocol, steps, accumulate),
        **_loaders(protocol, run, dataset, pair_lists, rule, batch // accumulate),
        **_loops(steps, accumulate, schedules.validations(protocol, rule)),
        **_runtime(run, work_dir, steps, accumulate, samples / batch, save_last),
    }
    return Composition(ResolvedConfig(config), steps, accumulate, batch, steps * batch / samples, crop)


def train_size(protocol: Mapping[str, Any], image: tuple[int, int]) -> tuple[int, int]:
    """Return the (H, W) of a training input when whole images have size ``image``."""
    view = protocol['train_view']
    if view['kind'] == 'whole':
        return image
    return sizes.crop_size(tuple(view['size']), view['short_side'], image, protocol['stride'])


def model_for(model: Mapping[str, Any], num_classes: int) -> dict[str, Any]:
    """Return a copy of a model config with every ``num_classes`` in it replaced."""

    def replaced(node: Any) -> Any:
        if isinstance(node, Mapping):
            return {k: num_classes if k == 'num_classes' else replaced(v) for k, v in node.items()}
        if isinstance(node, (list, tuple)):
            return [replaced(item) for item in node]
        return node

    return replaced(model)


def _with_areas(node: Any, class_pixels: Sequence[int], name: str) -> Any:
    """Return ``node`` with ``class_pixels`` filled in wherever a config leaves it None, 0 to K - 1."""
    if isinstance(node, Mapping):
        if 'class_pixels' in node and node['class_pixels'] is None:
            if not class_pixels:
                raise PlanError(f'{name}: its loss weighs classes by their area, and no class pixels were given')
            node = {**node, 'class_pixels': list(class_pixels)}
        return {key: _with_areas(value, class_pixels, name) for key, value in node.items()}
    if isinstance(node, (list, tuple)):
        return [_with_areas(item, class_pixels, name) for item in node]
    return node


def _extra_imports(experiment: Config) -> list[str]:
    imports = experiment.get('custom_imports', {}).get('imports', [])
    return [name for name in ([imports] if isinstance(imports, str) else imports) if name != 'custom_ops']


def _optim_wrapper(experiment: Config, run: Run, accumulate: int, fused_adam: bool) -> dict[str, Any]:
    fused = {'fused': True} if fused_adam and experiment.optimizer.type == 'Adam' else {}
    wrapper = {
        'type': 'Bf16OptimWrapper' if run.precision == 'bf16' else 'OptimWrapper',
        'optimizer': {**_plain(experiment.optimizer), **fused},
        'accumulative_counts': accumulate,
    }
    if experiment.get('paramwise_cfg'):
        wrapper['paramwise_cfg'] = _plain(experiment.paramwise_cfg)
    return wrapper


def _train_pipeline(protocol: Mapping[str, Any], run: Run) -> list[dict[str, Any]]:
    view, (height, width) = protocol['train_view'], run.size
    whole = {'type': 'Resize', 'scale': (width, height), 'keep_ratio': False}
    geometry: list[dict[str, Any]] = [whole]
    if view['kind'] == 'crop':
        if view.get('scale'):
            low, high = view['scale']
            geometry = [
                {'type': 'RandomResize', 'scale': (width, height), 'ratio_range': (low, high), 'keep_ratio': True}
            ]
        geometry += _crop(view['how'], train_size(protocol, run.size))
    augment = [_plain(one) for one in protocol['augment']]
    return [{'type': 'LoadImageFromFile'}, {'type': 'LoadAnnotations'}, *geometry, *augment, {'type': 'PackSegInputs'}]


def _crop(how: str, size: tuple[int, int]) -> list[dict[str, Any]]:
    centre, five = ({'type': kind, 'size': size} for kind in ('CentreCrop', 'FiveCrop'))
    if how == 'centre':
        return [centre]
    if how == 'five':
        return [five]
    if how == 'five_rotated':
        # A sixth crop is the centre of the rotated image: at 30 degrees it stays clear of the black corners.
        rotated = [{'type': 'RandomRotate', 'prob': 1.0, 'degree': 30.0}, centre]
        return [{'type': 'RandomChoice', 'transforms': [[five], rotated], 'prob': [5 / 6, 1 / 6]}]
    if how != 'random':
        raise PlanError(f'unknown crop {how!r}: choose from random, centre, five, five_rotated')
    # An image that was rescaled below the crop is padded first; the toolbox gives pads as width and height.
    pad = {'type': 'Pad', 'size': (size[1], size[0]), 'pad_val': {'img': 0, 'seg': 255}}
    return [pad, {'type': 'RandomCrop', 'crop_size': size}]


def _test_pipeline(run: Run) -> list[dict[str, Any]]:
    height, width = run.size
    # The label is loaded after the resize: scores are counted at its own resolution.
    return [
        {'type': 'LoadImageFromFile'},
        {'type': 'Resize', 'scale': (width, height), 'keep_ratio': False},
        {'type': 'LoadAnnotations'},
        {'type': 'PackSegInputs'},
    ]


def _loaders(
    protocol: Mapping[str, Any],
    run: Run,
    dataset: DataSet,
    pair_lists: Mapping[str, Path],
    rule: BudgetRule,
    micro_batch: int,
) -> dict[str, Any]:
    workers = 4 if run.device.startswith('cuda') else 0

    def source(split: str, pipeline: list[dict[str, Any]], limit: int | None) -> dict[str, Any]:
        return {
            'type': 'PairListDataset',
            'data_root': str(dataset.root),
            'ann_file': str(pair_lists[split]),
            'metainfo': {'classes': list(dataset.classes), 'palette': [list(c) for c in dataset.palette]},
            'label_map': [[stored, value] for stored, value in sorted(dataset.label_map.items())],
            'indices': budgets.spread(limit, len(dataset.splits[split])),
            'pipeline': pipeline,
        }

    def loader(split: str, limit: int | None) -> dict[str, Any]:
        return {
            'batch_size': 1,
            'num_workers': workers,
            'persistent_workers': workers > 0,
            'sampler': {'type': 'DefaultSampler', 'shuffle': False},
            'dataset': {**source(split, _test_pipeline(run), limit), 'test_mode': True},
        }

    train = {
        'batch_size': micro_batch,
        'num_workers': workers,
        'persistent_workers': workers > 0,
        'sampler': {'type': 'InfiniteSampler', 'shuffle': True},
        'dataset': source('train', _train_pipeline(protocol, run), None),
    }
    val_split = 'val' if 'val' in dataset.splits else dataset.test_split
    val_metrics = ['ConfusionMetric', *(['CrossEntropyMetric'] if schedules.watches_val_loss(protocol) else [])]
    return {
        'train_dataloader': train,
        'val_dataloader': loader(val_split, rule.val_images),
        'test_dataloader': loader(dataset.test_split, rule.test_images),
        'val_evaluator': [{'type': kind} for kind in val_metrics],
        'test_evaluator': {'type': 'ConfusionMetric'},
    }


def _loops(steps: int, accumulate: int, validations: int) -> dict[str, Any]:
    iterations = steps * accumulate
    interval = max(1, -(-steps // validations)) * accumulate
    return {
        'train_cfg': {'type': 'ResumableIterLoop', 'max_iters': iterations, 'val_interval': interval},
        'val_cfg': {'type': 'ValLoop'},
        'test_cfg': {'type': 'TestLoop'},
    }


def _runtime(
    run: Run, work_dir: Path, steps: int, accumulate: int, steps_per_epoch: float, save_last: bool
) -> dict[str, Any]:
    log_interval = max(1, steps * accumulate // 50)
    return {
        'work_dir': str(work_dir),
        'randomness': {'seed': run.seed, 'deterministic': False},
        'env_cfg': {'cudnn_benchmark': True},
        'default_hooks': {
            'timer': {'type': 'IterTimerHook'},
            'logger': {'type': 'LoggerHook', 'interval': log_interval, 'log_metric_by_epoch': False},
            'param_scheduler': {'type': 'ParamSchedulerHook'},
            'checkpoint': {'type': 'AtomicCheckpointHook', 'accumulate': accumulate, 'save_last': save_last},
            'sampler_seed': {'type': 'DistSamplerSeedHook'},
        },
        'custom_hooks': [
            {'type': 'FiniteLossHook'},
            {'type': 'CurveHook', 'steps_per_epoch': steps_per_epoch, 'accumulate': accumulate},
        ],
        'log_processor': {'by_epoch': False, 'window_size': min(50, log_interval)},
        'visualizer': {
            'type': 'SegLocalVisualizer',
            'vis_backends': [{'type': 'TensorboardVisBackend'}],
            'save_dir': str(work_dir),
        },
        'log_level': 'INFO',
        'resume': True,
        'load_from': None,
    }


def _plain(node: Any) -> Any:
    """Return ``node`` with mmengine's config types replaced by dicts, lists and tuples."""
    if isinstance(node, Mapping):
        return {key: _plain(value) for key, value in node.items()}
    if isinstance(node, (list, tuple)):
        return type(node)(_plain(item) for item in node)
    return node
