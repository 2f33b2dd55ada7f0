"""The training of a run, stage after stage, inside its process."""

import json
import math
import os
import shutil
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmengine.runner import Runner
from torch import nn

from bench import amounts, checkpoints, compose, data_sets, hooks, stages, store
from bench.measure import latency, memory
from bench.records import DataSet, Material
from bench.running import auto_label, curve, embedded, layout, weights
from bench.running.attempt import Attempt
from bench.running.peaks import SettledPeakHook
from bench.running.progress import ProgressHook
from bench.stages import Leg
from custom_ops.hooks.freeze import turn_at
from custom_ops.hooks.lr_range import suggest
from custom_ops.segmentors.freezing import freeze

WEIGHTS, BEST, DONE = 'weights.pth', 'best.pth', 'done.json'
SPEED = ('channels_last', 'onednn', 'fused', 'compile', 'autocast', 'tf32')
"""Keys of the receipt that say how a step was computed."""


@dataclass(frozen=True)
class Trained:
    """What a training leaves: the model, what scores it, and the blocks of the receipt.

    ``memory_format`` is the layout of the model from here on, that of inference; ``best`` is the file of the best
    validated weights, or None where nobody asked for them.
    """

    runner: Runner
    memory_format: torch.memory_format
    blocks: dict[str, Any]
    memory: dict[str, Any] | None
    best: Path | None


def train(attempt: Attempt) -> Trained:
    """Train every stage, or only load what the run starts from where there is none.

    Returns:
        The blocks ``init``, ``train`` (None where nothing was trained) and, where images were labelled by another
        run's model, ``auto_label``.
    """
    job, protocol = attempt.job, attempt.protocol
    own = Material(job.dataset, job.manifest, job.pair_lists, job.class_pixels)
    labelled, blocks = auto_label.extend(attempt, own)
    if not protocol.stages:
        return _only_loaded(attempt, labelled, blocks)
    materials: dict[str | None, Material] = {None: labelled}
    for stage in protocol.stages:
        if stage.dataset is not None:
            materials[stage.dataset] = embedded.material(stage.dataset)
    per_image = attempt.experiment.protocol.samples_per_image
    samples = {name: one.images('train') * per_image for name, one in materials.items()}
    legs = stages.legs(protocol, job.rule, samples, keep_best=job.keep_checkpoints)
    records: list[dict[str, Any]] = []
    for leg in legs:
        # Rebound before the next one is built: two models with their optimisers would not fit side by side.
        last = _Leg(attempt, leg, materials[leg.stage.dataset], legs)
        last.run()
        records.append(last.record)
    parts = [leg_folder(attempt.training, leg, len(legs)) / curve.FILE for leg in legs]
    trained_on = [materials[leg.stage.dataset].dataset.name for leg in legs]
    store.write_atomically(attempt.folder / curve.FILE, curve.joined(parts, trained_on))
    blocks |= {'init': records[0].pop('init'), 'train': _train_block(records, attempt)}
    for record in records[1:]:
        record.pop('init', None)
    best = last.folder / BEST if legs[-1].keep_best and (last.folder / BEST).exists() else None
    memory_format = layout.settle(last.runner.model, job.run, trains=False)
    return Trained(last.runner, memory_format, blocks, _most([record.pop('memory') for record in records]), best)


def _only_loaded(attempt: Attempt, material: Material, blocks: dict[str, Any]) -> Trained:
    job = attempt.job
    config = compose.compose_evaluation(
        attempt.experiment,
        job.run,
        material.dataset,
        material.pair_lists,
        job.rule,
        attempt.training,
        material.class_pixels,
        material.pixels(data_sets.cache_folder()),
    )
    store.write_atomically(attempt.folder / 'config.py', config.pretty_text + '\n')
    runner = _runner(config)
    memory_format, _ = layout.prepare(runner.model, job.run, trains=False)
    init = _initialise(attempt, runner.model)
    if job.keep_checkpoints:
        # A run may start from one that only loaded its weights.
        torch.save(_saved(runner.model, 0, material.dataset), attempt.training / WEIGHTS)
    return Trained(runner, memory_format, {**blocks, 'init': init, 'train': None}, None, None)


def _runner(config: Any) -> Runner:
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')
        runner = Runner.from_cfg(config)
    # Otherwise the trainer initialises the model when it starts, over whatever has been loaded into it by then.
    runner.model.init_weights()
    return runner


def _initialise(attempt: Attempt, model: nn.Module) -> dict[str, Any]:
    given = next((one for one in attempt.protocol.start if one.file), None)
    if given is not None:
        return checkpoints.load_whole(model, attempt.job.config.parent / given.file, given.name)
    block = weights.initialise(model, attempt.experiment.protocol.weights, attempt.job.weights)
    if attempt.protocol.start:
        block['start'] = [
            weights.begin(model, one, attempt.parent(one.parent) / 'training' / f'{one.checkpoint}.pth')
            for one in attempt.protocol.start
        ]
    return block


class _Leg:
    """One stage of one run: composed, trained, its weights handed on."""

    def __init__(self, attempt: Attempt, leg: Leg, material: Material, legs: tuple[Leg, ...]):
        self.attempt, self.leg, self.material, self.legs = attempt, leg, material, legs
        self.folder = leg_folder(attempt.training, leg, len(legs))
        self.is_last = leg.index == len(legs) - 1
        self.record: dict[str, Any] = {}

    def run(self) -> None:
        job, leg = self.attempt.job, self.leg
        note = self.folder / DONE
        finished = note.exists()
        if finished and not self.is_last:
            self.record = json.loads(note.read_text())
            return
        name = 'train' if len(self.legs) == 1 else f'train {leg.stage.name}'
        self.attempt.enter(name)
        self.made = self._compose()
        if self.is_last:
            store.write_atomically(self.attempt.folder / 'config.py', self.made.config.pretty_text + '\n')
        self.runner = _runner(self.made.config)
        self.memory_format, self.compiled = layout.prepare(self.runner.model, job.run, trains=True)
        if finished:
            weights.load(self.runner.model, checkpoints.read(self.folder / WEIGHTS).state)
            self._freeze_as_at_its_end()
            self.record = json.loads(note.read_text())
            return
        self.record['init'] = self._begin()
        self._train()
        self._freeze_as_at_its_end()
        if self._keeps_weights():
            part = self.folder / f'{WEIGHTS}.part'
            torch.save(_saved(self.runner.model, leg.steps, self.material.dataset), part)
            os.replace(part, self.folder / WEIGHTS)
            store.write_atomically(note, json.dumps(self.record))
        for leftover in ('last.pth', 'last_checkpoint'):
            (self.folder / leftover).unlink(missing_ok=True)
        # What is measured from here on is inference, which needs neither gradients nor the optimiser's state.
        optimizer = self.runner.optim_wrapper.optimizer
        optimizer.zero_grad(set_to_none=True)
        optimizer.state.clear()

    def _freeze_as_at_its_end(self) -> None:
        """Freeze what the stage's last step did: where nothing was left to be trained, nothing has been frozen yet."""
        last = self.made.config.train_cfg.max_iters - 1
        for hook in self.made.config.custom_hooks:
            if hook['type'] == 'FreezeHook':
                turns = hook['turns']
                freeze(self.runner.model, turns[turn_at(last, len(turns), hook['turn_iters'], last + 1)])

    def _keeps_weights(self) -> bool:
        # A single smoke stage is over before anything could interrupt it; writing its weights would take longer.
        return self.attempt.job.keep_checkpoints or self.attempt.job.rule.name != 'smoke' or not self.is_last

    def _compose(self) -> compose.Composition:
        job, leg, dataset = self.attempt.job, self.leg, self.material.dataset
        run, smoke = job.run, job.rule.name == 'smoke'
        if leg.stage.dataset is not None:
            run = replace(run, dataset=dataset.name, size=embedded.size(dataset, run.size, smoke))
        batch = amounts.batch_size(job.rule, leg.stage.batch_size)
        documented = amounts.batch_size(job.rule, self.attempt.experiment.protocol.batch_size)
        parts = 1
        if job.accumulate > 1:
            parts = stages.split_batch(batch, leg.stage.scale, max(1, documented // job.accumulate))
        return compose.compose(
            self.attempt.experiment,
            run,
            dataset,
            self.material.pair_lists,
            job.rule,
            self.folder,
            parts,
            save_last=False,
            class_pixels=self.material.class_pixels,
            leg=leg,
            pixels=self.material.pixels(data_sets.cache_folder()),
        )

    def _begin(self) -> dict[str, Any]:
        model, index = self.runner.model, self.leg.index
        if index == 0:
            return _initialise(self.attempt, model)
        before = leg_folder(self.attempt.training, self.legs[index - 1], len(self.legs))
        best = self.leg.stage.start == 'best' and (before / BEST).exists()
        stored = checkpoints.read(before / (BEST if best else WEIGHTS)).state
        return {'checkpoint': 'best' if best else 'last', **weights.describe(weights.load(model, stored))}

    def _train(self) -> None:
        job, made, steps = self.attempt.job, self.made, [leg.steps for leg in self.legs]
        done = sum(steps[: self.leg.index])
        progress = self._progress(done, sum(steps))
        self.runner.register_hook(progress)
        self.runner.register_hook(SettledPeakHook(job.run.device))
        with memory.peak_memory(job.run.device) as peak:
            self.runner.train()
        rows = curve.read(self.folder / curve.FILE)
        # A sweep ends where the loss does.
        losses = [loss for row in rows if row['loss'] and math.isfinite(loss := float(row['loss']))]
        stage = self.leg.stage
        done_steps = len(losses) if stage.kind == 'lr_range' else made.steps
        size = [made.batch_size // made.accumulate, 3, *made.crop]
        self.record |= {
            'name': stage.name,
            'dataset': self.material.dataset.name,
            'steps': done_steps,
            'epochs': round(made.epochs * done_steps / made.steps, 4),
            'batch_size': made.batch_size,
            'accumulate': made.accumulate,
            'input_size': list(made.crop),
            'channels_last': self.memory_format == torch.channels_last,
            'onednn': latency.onednn(job.run.device),
            'fused': bool(made.config.optim_wrapper.optimizer.get('fused')),
            'compile': self.compiled,
            'autocast': None if job.run.precision == 'fp32' else job.run.precision,
            'tf32': layout.tf32(job.run.device),
            'wall_sec': round(float(rows[-1]['sec']), 3),
            'settled': curve.settled(rows, job.run.device, progress.began),
            'final_loss': round(float(np.mean(losses[-max(1, len(losses) // 10) :])), 6) if losses else None,
            'images': self.material.images('train'),
            'start': self.record['init'] if self.leg.index else None,
            'memory': {**peak.as_dict(), 'input_shape': size},
        }
        if stage.kind == 'lr_range':
            self.record['lr_range'] = self._sweep()

    def _progress(self, done: int, of: int) -> ProgressHook:
        every = hooks.read_every(self.attempt.job.run.device)
        return ProgressHook(self.attempt.report, done, of, self.made.accumulate, every)

    def _sweep(self) -> dict[str, Any]:
        """Copy the sweep beside the receipt and return what it suggests."""
        file = self.folder / 'lr_range.csv'
        store.write_atomically(self.attempt.folder / 'lr_range.csv', file.read_bytes())
        rows = curve.read(file)
        found = suggest([float(row['lr']) for row in rows], [float(row['loss']) for row in rows])
        stage = self.leg.stage
        return {'low': stage.low, 'high': stage.high, 'suggested': found.steepest, 'lowest_loss_at': found.lowest}


def _saved(model: torch.nn.Module, steps: int, dataset: DataSet) -> dict[str, Any]:
    """Return a checkpoint in the toolbox's form, with the names of the classes: whoever reads it knows their order."""
    about = {'classes': list(dataset.classes), 'palette': [list(colour) for colour in dataset.palette]}
    return {'state_dict': model.state_dict(), 'meta': {'steps': steps, 'dataset_meta': about}}


def leg_folder(training: Path, leg: Leg, count: int) -> Path:
    """Return where a stage of a training of ``count`` stages works: a folder of its own where there are several."""
    return training if count == 1 else training / f'{leg.index}-{leg.stage.name}'


def tidy(training: Path, keep: bool) -> None:
    """Leave of a finished training's checkpoints the last weights and the best, or none."""
    for name, kept in ((WEIGHTS, 'last.pth'), (BEST, BEST)):
        # Of several stages the last one's; the folders' names begin with their places.
        found = sorted(training.rglob(name), key=_place)
        if keep and found:
            os.replace(found[-1], training / kept)
        for file in found:
            if file != training / kept:
                file.unlink(missing_ok=True)
    for pattern in (DONE, 'last_checkpoint', '*.part', *(() if keep else ('*.pth',))):
        for file in training.rglob(pattern):
            file.unlink(missing_ok=True)
    shutil.rmtree(training / 'auto_labels', ignore_errors=True)


def _place(file: Path) -> int:
    head = file.parent.name.partition('-')[0]
    return int(head) if head.isdigit() else -1


def _train_block(records: list[dict[str, Any]], attempt: Attempt) -> dict[str, Any]:
    last = records[-1]
    steps, seconds = (sum(record[key] for record in records) for key in ('steps', 'wall_sec'))
    told = [record['settled'] for record in records]
    kept = ('batch_size', 'accumulate', 'input_size', *SPEED, 'final_loss', 'images')
    block = {
        'wall_sec': round(seconds, 3),
        'steps': steps,
        'epochs': round(sum(record['epochs'] for record in records), 4),
        **{key: last[key] for key in kept},
        'sec_per_step': round(sum(sec for _, sec in told) / sum(count for count, _ in told), 5),
    }
    if 'stages' in attempt.experiment.protocol:
        aside = ('memory', 'init', 'settled')
        block['stages'] = [{key: record[key] for key in record if key not in aside} for record in records]
    return block


def _most(peaks: list[Mapping[str, Any]]) -> dict[str, Any]:
    return dict(max(peaks, key=lambda peak: peak['peak_bytes'] or 0))
