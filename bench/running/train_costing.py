"""Time the training steps of one documented network at the documented size and batch, on random pixels.

B images of 3 x H x W pixels. Nothing is learnt: what a step takes depends neither on the pixels nor on the weights.
"""

import copy
import gc
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmcv.transforms import Compose
from mmengine.config import Config, ConfigDict
from mmengine.dataset import pseudo_collate
from mmengine.optim import build_optim_wrapper
from mmengine.registry import init_default_scope
from mmseg.registry import MODELS
from torch import nn

from bench import budgets, compose, devices, forecast, hooks, pipelines, stages
from bench.measure import latency, memory
from bench.measure.footprint import batch_footprint, optimizer_states
from bench.records import CostJob, DataSet, Pair, Run, Size
from bench.running import layout
from bench.stages import Leg
from custom_ops.datasets.collate import STACKED, collate_pixels
from custom_ops.hooks.freeze import turn_at
from custom_ops.hooks.quick_accuracy import QuickAccuracyHook
from custom_ops.losses import unread
from custom_ops.segmentors.freezing import freeze, hold_still

REGION = 'a batch of bytes in memory to updated weights: normalised, forward, loss, backward, optimiser'
"""On a GPU a batch is augmented there, as in a run, and that is within; reading and what workers do is not."""

MIN_SAMPLES = 10
"""The median's 95 % interval is then that of the second and the ninth: a step that was held up does not widen it."""

STEPS_BEFORE = {'cpu': 2, 'cuda': 3}
"""The first makes the optimiser's state, and on a GPU kernels are tried in all memory that is free until the third."""


@dataclass(frozen=True)
class _Kind:
    """Steps that are all alike: of stage ``leg`` with the blocks ``frozen`` out of training; ``steps`` there are."""

    leg: Leg
    frozen: tuple[str, ...]
    steps: int


def measure(job: CostJob, experiment: Config, alive: Callable[[], None] = lambda: None) -> dict[str, Any] | None:
    """Return what training steps of the network take; None where nothing is trained.

    Each kind of step is timed by itself: stages differ in size and batch, their turns in what is frozen.

    Args:
        alive: called after every step; steps of large networks take minutes on a processor.

    Returns:
        ``epochs`` and ``steps`` of the documented training, ``sec_per_step``, the mean over these, ``images_per_sec``,
        ``wall_sec``, what they take in all, and ``parts``: for each kind of step its ``stage``, ``frozen``, ``steps``,
        ``accumulate``, ``memory`` and what ``latency.measure_latency`` returns. ``memory`` is that of the part with the
        highest peak. Where memory was short, ``parts`` so far and the ``reason``.
    """
    stated = stages.read(experiment.protocol, job.experiment)
    kinds = list(_kinds(experiment, stated))
    if not kinds:
        return None
    init_default_scope('mmseg')
    parts: list[dict[str, Any]] = []
    known: dict[tuple[Any, ...], dict[str, Any]] = {}
    for kind in kinds:
        stage = kind.leg.stage
        alike = stage.scale, stage.batch_size, kind.frozen
        if alike not in known:
            try:
                known[alike] = _timed(job, experiment, kind, alive)
            except (RuntimeError, MemoryError) as error:
                if not memory.ran_out(error):
                    raise
                return {'reason': f'{type(error).__name__}: {error}'.splitlines()[0][:300], 'parts': parts}
            # What refers to itself would take the memory of the next kind of step.
            gc.collect()
        parts.append({'stage': stage.name, 'frozen': list(kind.frozen), 'steps': kind.steps, **known[alike]})
    epochs = {kind.leg.index: kind.leg.stage.epochs for kind in kinds}
    return {'epochs': sum(epochs.values()), **summarise(parts)}


def summarise(parts: list[dict[str, Any]]) -> dict[str, Any]:
    """Return what all steps together take, from the ``parts`` of ``measure``, themselves included."""
    steps = sum(part['steps'] for part in parts)
    wall_sec = sum(part['steps'] * part['p50_ms'] / 1e3 for part in parts)
    images = sum(part['steps'] * part['batch_size'] for part in parts)
    largest = max(parts, key=lambda part: part['memory']['peak_bytes'])
    return {
        'steps': steps,
        'sec_per_step': wall_sec / steps,
        'images_per_sec': images / wall_sec,
        'wall_sec': wall_sec,
        'accumulate': max(part['accumulate'] for part in parts),
        'memory': largest['memory'],
        'reason': '',
        'parts': parts,
    }


def _kinds(experiment: Config, stated: stages.Protocol) -> Iterator[_Kind]:
    protocol = experiment.protocol
    samples = protocol.documented_images * protocol.samples_per_image
    rule = budgets.rule('full')
    for leg in stages.legs(stated, rule, {stage.dataset: samples for stage in stated.stages}):
        # A sweep of rates is no training, and how long a pre-training on other data takes is not documented.
        if leg.stage.kind != 'train' or leg.stage.dataset is not None:
            continue
        turns = leg.stage.turns or [()]
        made = Counter(turn_at(step, len(turns), hooks.turn_steps(leg), leg.steps) for step in range(leg.steps))
        for index, turn in enumerate(turns):
            yield _Kind(leg, tuple(turn), made[index])


def _timed(job: CostJob, experiment: Config, kind: _Kind, alive: Callable[[], None]) -> dict[str, Any]:
    """Return ``memory``, ``accumulate`` and the times of steps of ``kind``."""
    size = documented_size(experiment.protocol)
    run = Run(job.experiment, experiment.protocol.dataset, size, 'full', 1.0, 0, job.precision, job.device)
    made = _composed(experiment, run, kind.leg, 1)
    accumulate = _split(job, experiment, made.crop, made.batch_size)
    config = made.config if accumulate == 1 else _composed(experiment, run, kind.leg, accumulate).config
    batch = _batch(experiment, run.device, made.crop, made.batch_size // accumulate)
    model = MODELS.build(ConfigDict(config.model))
    model.init_weights()
    memory_format = layout.settle(model.to(job.device), run, trains=True)
    if job.device != 'cpu':
        # As in a run, which reads nothing from the device within a step.
        unread.replace(model)
    model.train()
    freeze(model, kind.frozen)
    step = _step(model, config.optim_wrapper, batch, accumulate, alive)
    shape = [made.batch_size // accumulate, 3, *made.crop]
    with _accuracy_as_in_a_run():
        with memory.peak_memory(job.device) as peak:
            for left in reversed(range(STEPS_BEFORE[job.device.split(':')[0]])):
                if not left:
                    memory.begin_anew(job.device)
                step()
        times = latency.measure_latency(
            step,
            job.device,
            seconds=job.seconds,
            min_samples=MIN_SAMPLES,
            batch_size=made.batch_size,
            input_shape=shape,
            precision=job.precision,
            channels_last=memory_format == torch.channels_last,
            # On a processor a step more would only take longer.
            warm_up=job.device != 'cpu',
            overtime=float('inf'),
            region=REGION,
        )
    return {'accumulate': accumulate, 'memory': {**peak.as_dict(), 'input_shape': shape}, **times}


def documented_size(protocol: Any) -> Size:
    """Return the (H, W) of whole images of which the training inputs are the documented ones."""
    view = protocol.train_view
    if view.kind == 'whole':
        return tuple(view.size)
    return view.short_side, max(view.short_side, max(view.size))


def _composed(experiment: Config, run: Run, leg: Leg, accumulate: int) -> compose.Composition:
    protocol = experiment.protocol
    pairs = (Pair('', ''),)
    names = tuple(f'class {index}' for index in range(protocol.num_classes))
    shown = DataSet(run.dataset, Path(), names, ((0, 0, 0),) * len(names), run.size, {'train': pairs, 'test': pairs})
    return compose.compose(
        experiment,
        run,
        shown,
        {'train': Path(), 'test': Path()},
        budgets.rule('full'),
        Path(),
        accumulate,
        save_last=False,
        class_pixels=(1,) * protocol.num_classes,
        leg=leg,
    )


def _split(job: CostJob, experiment: Config, crop: Size, batch: int) -> int:
    """Return into how many parts a batch has to be split to fit the device, as a run of it would be."""
    model = compose.model_for(experiment.model, experiment.protocol.num_classes)
    counted = batch_footprint(model, (3, *crop), batch)
    footprint = forecast.Footprint(
        params=counted['gradient_bytes'] // 4,
        macs_image=0,
        macs_crop=0,
        batch_bytes=counted['batch_bytes'],
        micro_batch=batch,
        crop_pixels=crop[0] * crop[1],
        steps=1,
        batch_size=batch,
        optimizer_states=optimizer_states(experiment.optimizer.type),
    )
    usable = int(devices.USABLE_SHARE * devices.device_bytes(job.device))
    return forecast.micro_batches(footprint, job.device, usable)


def _batch(experiment: Config, device: str, crop: Size, count: int) -> dict[str, Any]:
    """Return a batch [B, 3, H, W] of random bytes and labels as a run's loader gives it, on the device."""
    protocol, draw = experiment.protocol, np.random.default_rng(0)
    augment, _ = pipelines.split_augment(protocol.augment, experiment.model.data_preprocessor, device)
    common = experiment.model.data_preprocessor.type == pipelines.COMMON
    steps = [*augment, {'type': 'PackSegInputs'}]
    transform = Compose(pipelines.quick(steps) if common else steps)
    samples = []
    for _ in range(count):
        image = draw.integers(0, 256, (*crop, 3), np.uint8)
        label = draw.integers(0, protocol.num_classes, crop, np.uint8)
        about = {'img_shape': crop, 'ori_shape': crop, 'seg_fields': ['gt_seg_map']}
        samples.append(transform({'img': image, 'gt_seg_map': label, **about}))
    joined = collate_pixels(samples) if common else pseudo_collate(samples)
    return {name: value.to(device) if isinstance(value, torch.Tensor) else value for name, value in joined.items()}


def _step(
    model: nn.Module, optim_wrapper: Any, batch: dict[str, Any], accumulate: int, alive: Callable[[], None]
) -> Callable[[], None]:
    wrapper = build_optim_wrapper(model, ConfigDict(optim_wrapper))
    wrapper.initialize_count_status(model, 0, 2**31 // accumulate * accumulate)

    def step() -> None:
        for _ in range(accumulate):
            # Preprocessing writes into samples that carry their own labels.
            shown = batch if STACKED in batch else copy.deepcopy(batch)
            hold_still(model)
            model.train_step(dict(shown), wrapper)
        alive()

    return step


@contextmanager
def _accuracy_as_in_a_run() -> Iterator[None]:
    """Within, the accuracy that heads tell the log is counted as it is in a run."""
    hook: Any = QuickAccuracyHook()
    hook.before_train(None)
    try:
        yield
    finally:
        hook.after_train(None)
