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

from bench import amounts, hooks, schedules, stages
from bench.errors import PlanError
from bench.own import heads
from bench.pipelines import (
    COMMON,
    as_the_toolbox,
    image_sizes,
    plain,
    preprocessor,
    scoring_loader,
    split_augment,
    train_loader,
    train_size,
)
from bench.records import BudgetRule, DataSet, Run, Size
from bench.stages import Leg

STAGE_SEEDS = 1000
"""Distance between the seeds of a run's stages: each shuffles anew, and none as another run's first does."""

FUSED = ('Adam', 'AdamW', 'SGD')
"""Optimisers that torch has in one kernel for CUDA; the others run over all weights at once there by themselves."""

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
        values = plain(self._cfg_dict.to_dict())
        return '\n'.join(
            f'{key} = {pprint.pformat(value, width=110, sort_dicts=False)}' for key, value in values.items()
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
    unknown, lacking = keys - PROTOCOL_KEYS - stages.OPTIONAL_KEYS, PROTOCOL_KEYS - keys
    if unknown or lacking:
        raise PlanError(f'{path}: protocol has unknown keys {sorted(unknown)} and lacks {sorted(lacking)}')
    stages.read(config.protocol, str(path))
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
    leg: Leg | None = None,
    pixels: Path | None = None,
) -> Composition:
    """Return the resolved config of one stage of ``run``.

    Args:
        experiment: what ``read_experiment`` returned.
        pair_lists: for each split the file listing its image and label paths.
        rule: the budget.
        work_dir: where mmengine writes checkpoints and logs.
        accumulate: micro-batches per optimiser step; the batch is split, never shrunk.
        save_last: write a checkpoint at the end of training; a sweep of rates never writes one.
        class_pixels: labelled pixels of each class in the train split; needed by losses weighted by area.
        leg: the stage; may be left out where there is only one.
        pixels: the folder that remembers the decoded files of ``dataset``, None to decode them each time.

    Raises:
        PlanError: ``accumulate`` does not divide the batch size, the schedule has an unknown kind, the loss needs
            ``class_pixels`` and there are none, or there are several stages and ``leg`` is None.
    """
    stated = stages.read(experiment.protocol, run.experiment)
    leg = leg or _only_leg(experiment, stated, run, dataset, rule)
    stage, protocol = leg.stage, experiment.protocol
    batch = amounts.batch_size(rule, stage.batch_size)
    if batch % accumulate:
        raise PlanError(f'{run.experiment}: a batch of {batch} cannot be split into {accumulate} equal parts')
    trained, scored = image_sizes(protocol, dataset.name, dataset.base_size, run.size)
    size, validated = (stages.scaled_size(one, stage.scale, protocol.stride) for one in (trained, scored))
    per_epoch = leg.samples / batch
    pairs = Path(pair_lists['train'])
    augment, moved = split_augment(protocol.augment, experiment.model.data_preprocessor, run.device)
    shown, seed = {**protocol, 'augment': augment}, run.seed + STAGE_SEEDS * leg.index
    config: dict[str, Any] = {
        **_model(experiment, run, dataset, class_pixels, moved),
        'optim_wrapper': _optim_wrapper(experiment, run, accumulate, rule.heavy_weights, stage),
        'param_scheduler': schedules.schedulers(stage.schedule, stage.epochs, leg.steps, accumulate),
        'train_dataloader': train_loader(shown, size, dataset, pairs, batch // accumulate, run.device, pixels, seed),
        'train_cfg': _train_loop(leg, accumulate),
        **_validation(stated, leg, run, validated, dataset, pair_lists, rule, pixels),
        **_test(run, scored, dataset, pair_lists, rule, pixels),
        **_runtime(run, work_dir, leg.steps * accumulate),
        'default_hooks': hooks.default_hooks(leg, accumulate, save_last, run.device),
        'custom_hooks': hooks.stage_hooks(leg, accumulate, per_epoch, run.device),
        'randomness': {'seed': seed, 'deterministic': False},
        # A sweep that was interrupted begins anew, whatever checkpoint lies there.
        'resume': stage.kind != 'lr_range',
    }
    crop = train_size(protocol, size)
    resolved = ResolvedConfig(_with_fitting_loaders(config, experiment))
    return Composition(resolved, leg.steps, accumulate, batch, leg.steps / per_epoch, crop)


def compose_evaluation(
    experiment: Config,
    run: Run,
    dataset: DataSet,
    pair_lists: Mapping[str, Path],
    rule: BudgetRule,
    work_dir: Path,
    class_pixels: Sequence[int] = (),
    pixels: Path | None = None,
) -> Config:
    """Return the resolved config of a run that trains nothing; arguments as for ``compose``."""
    _, scored = image_sizes(experiment.protocol, dataset.name, dataset.base_size, run.size)
    config: dict[str, Any] = {
        **_model(experiment, run, dataset, class_pixels),
        **_test(run, scored, dataset, pair_lists, rule, pixels),
        **_runtime(run, work_dir, 1),
        'default_hooks': {'timer': {'type': 'IterTimerHook'}, 'logger': {'type': 'LoggerHook'}},
        'randomness': {'seed': run.seed, 'deterministic': False},
        'resume': False,
    }
    return ResolvedConfig(_with_fitting_loaders(config, experiment))


def _with_fitting_loaders(config: dict[str, Any], experiment: Config) -> dict[str, Any]:
    """Return ``config`` with loaders whose batches the experiment's data preprocessor takes."""
    if experiment.model.data_preprocessor.type == COMMON:
        return config
    return {key: as_the_toolbox(part) if key.endswith('_dataloader') else part for key, part in config.items()}


def _only_leg(experiment: Config, stated: stages.Protocol, run: Run, dataset: DataSet, rule: BudgetRule) -> Leg:
    samples = len(dataset.splits['train']) * experiment.protocol.samples_per_image
    made = stages.legs(stated, rule, {stage.dataset: samples for stage in stated.stages})
    if len(made) != 1:
        names = ', '.join(stage.name for stage in stated.stages) or 'none'
        raise PlanError(f'{run.experiment}: say which of its {len(made)} stages to compose: {names}')
    return made[0]


def model_for(model: Mapping[str, Any], num_classes: int) -> dict[str, Any]:
    """Return a copy of a model config that predicts ``num_classes``; heads of something else, edges say, are kept."""
    stated = heads.main_classes(model)

    def replaced(node: Any) -> Any:
        if isinstance(node, Mapping):
            return {
                k: num_classes if k == 'num_classes' and stated in (None, v) else replaced(v) for k, v in node.items()
            }
        if isinstance(node, (list, tuple)):
            return type(node)(replaced(item) for item in node)
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
        return type(node)(_with_areas(item, class_pixels, name) for item in node)
    return node


def _extra_imports(experiment: Config) -> list[str]:
    imports = experiment.get('custom_imports', {}).get('imports', [])
    return [name for name in ([imports] if isinstance(imports, str) else imports) if name != 'custom_ops']


def _model(
    experiment: Config,
    run: Run,
    dataset: DataSet,
    class_pixels: Sequence[int],
    augment: Sequence[Mapping[str, Any]] = (),
) -> dict[str, Any]:
    model = _with_areas(model_for(experiment.model, len(dataset.classes)), class_pixels, run.experiment)
    return {
        'default_scope': 'mmseg',
        'custom_imports': {'imports': [*_extra_imports(experiment), 'custom_ops'], 'allow_failed_imports': False},
        'model': {**model, 'data_preprocessor': preprocessor(model['data_preprocessor'], augment)},
    }


def _optim_wrapper(
    experiment: Config, run: Run, accumulate: int, heavy_weights: bool, stage: stages.Stage
) -> dict[str, Any]:
    cuda, kind = run.device.startswith('cuda'), experiment.optimizer.type
    wanted = 'no-fused' not in run.switches and kind in (FUSED if cuda else ('Adam',) if heavy_weights else ())
    # Fused SGD stops where some weights have a momentum and others, which were frozen until now, have none yet.
    fused = {'fused': True} if wanted and not (kind == 'SGD' and stage.turns) else {}
    rate = {} if stage.lr is None else {'lr': stage.lr}
    quiet = 'UnreadNormOptimWrapper' if cuda else 'OptimWrapper'
    wrapper = {
        'type': 'Bf16OptimWrapper' if run.precision == 'bf16' else quiet,
        'optimizer': {**plain(experiment.optimizer), **fused, **rate},
        'accumulative_counts': accumulate,
    }
    if experiment.get('paramwise_cfg'):
        wrapper['constructor'] = 'JoinedGroupsConstructor'
    for part in ('paramwise_cfg', 'constructor', 'clip_grad'):
        if experiment.get(part):
            wrapper[part] = plain(experiment[part])
    return wrapper


def _train_loop(leg: Leg, accumulate: int) -> dict[str, Any]:
    # To the nearest step: what counts validations, as a plateau's patience does, is then least stretched.
    interval = max(1, round(leg.steps / leg.validations)) * accumulate
    return {'type': 'ResumableIterLoop', 'max_iters': leg.steps * accumulate, 'val_interval': interval}


def _validation(
    stated: stages.Protocol,
    leg: Leg,
    run: Run,
    size: Size,
    dataset: DataSet,
    pair_lists: Mapping[str, Path],
    rule: BudgetRule,
    pixels: Path | None,
) -> dict[str, Any]:
    if leg.stage.kind == 'lr_range' or not stated.score:
        return {'val_dataloader': None, 'val_cfg': None, 'val_evaluator': None}
    split = validation_split(stated, dataset)
    return {
        'val_dataloader': scoring_loader(size, dataset, split, pair_lists[split], rule.val_images, run.device, pixels),
        'val_cfg': {'type': 'Bf16ValLoop' if run.precision == 'bf16' else 'ValLoop'},
        'val_evaluator': [{'type': 'ConfusionMetric'}, {'type': 'CrossEntropyMetric'}],
    }


def validation_split(stated: stages.Protocol, dataset: DataSet) -> str:
    """Return the split that is scored while training: ``val`` if there is one, unless the protocol selects on test."""
    on_test = stated.select is not None and stated.select.split == 'test'
    return 'val' if 'val' in dataset.splits and not on_test else dataset.test_split


def _test(
    run: Run, size: Size, dataset: DataSet, pair_lists: Mapping[str, Path], rule: BudgetRule, pixels: Path | None
) -> dict[str, Any]:
    split, pairs = dataset.test_split, pair_lists[dataset.test_split]
    return {
        'test_dataloader': scoring_loader(size, dataset, split, pairs, rule.test_images, run.device, pixels),
        'test_cfg': {'type': 'TestLoop'},
        'test_evaluator': {'type': 'ConfusionMetric'},
    }


def _runtime(run: Run, work_dir: Path, iterations: int) -> dict[str, Any]:
    window = min(50, hooks.log_interval(iterations, run.device))
    return {
        'work_dir': str(work_dir),
        'env_cfg': {'cudnn_benchmark': True},
        'log_processor': {'type': 'PeakKeepingLogProcessor', 'by_epoch': False, 'window_size': window},
        'visualizer': {
            'type': 'SegLocalVisualizer',
            'vis_backends': [{'type': 'TensorboardVisBackend'}],
            'save_dir': str(work_dir),
        },
        'log_level': 'INFO',
        'load_from': None,
    }
