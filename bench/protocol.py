"""The stages of a run, inside its process: train, score, count, time. Each returns one block of the receipt."""

import csv
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmengine.hooks import Hook
from mmengine.runner import Runner

from bench import budgets, compose, environment, layout, panels, store, weights
from bench.errors import Interrupted
from bench.measure import accuracy, cost, latency, memory
from bench.records import Job
from custom_ops.metrics.confusion import confusion_matrix

Report = Callable[[dict[str, Any]], None]
PANELS = 4
_stop = False


def request_stop() -> None:
    """Ask the run in this process to save what it has and end (called by a signal handler)."""
    global _stop
    _stop = True


class ProgressHook(Hook):
    """Tell the parent where the training is, and hand a stop request on to the checkpoint hook."""

    priority = 'HIGH'

    def __init__(self, report: Report, steps: int, accumulate: int):
        self.report, self.steps, self.accumulate = report, steps, accumulate

    def after_train_iter(self, runner: Runner, batch_idx: int, data_batch=None, outputs=None) -> None:
        if (runner.iter + 1) % self.accumulate == 0:
            step = (runner.iter + 1) // self.accumulate
            self.report({'kind': 'step', 'step': step, 'of': self.steps, 'loss': outputs['loss'].item()})
        if _stop:
            for hook in runner.hooks:
                if hasattr(hook, 'stop_requested'):
                    hook.stop_requested = True


@dataclass
class _Attempt:
    """What the stages of one run share."""

    job: Job
    folder: Path
    report: Report
    experiment: Any
    composition: compose.Composition
    runner: Runner
    memory_format: torch.memory_format

    def stage(self, name: str) -> None:
        if _stop:
            raise Interrupted(f'asked to stop before stage {name!r}')
        self.report({'kind': 'stage', 'stage': name})


def carry_out(job: Job, folder: Path, report: Report) -> dict[str, Any]:
    """Return the receipt's blocks for ``job``: every stage in order.

    Args:
        folder: the run's folder; the resolved config, curves, confusion matrices and panels are written there.
        report: called with a progress message (a dict of plain values).

    Raises:
        Whatever a stage raises; ``worker.classify`` turns it into a status.
    """
    report({'kind': 'stage', 'stage': 'compose'})
    experiment = compose.read_experiment(job.config)
    composition = compose.compose(
        experiment,
        job.run,
        job.dataset,
        job.pair_lists,
        job.rule,
        folder / 'training',
        job.accumulate,
        class_pixels=job.class_pixels,
        # A smoke run is over before anything could interrupt it; writing its weights would take longer.
        save_last=job.keep_checkpoints or job.rule.name != 'smoke',
    )
    store.write_atomically(folder / 'config.py', composition.config.pretty_text + '\n')
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')
        runner = Runner.from_cfg(composition.config)
    blocks: dict[str, Any] = {'data': describe_data(job)}
    memory_format = layout.choose(runner.model, job.run.device, job.run.precision)
    runner.model.to(memory_format=memory_format)
    attempt = _Attempt(job, folder, report, experiment, composition, runner, memory_format)
    blocks['init'] = weights.initialise(runner.model, experiment.protocol.weights, job.weights)
    blocks['train'], train_memory = _train(attempt)
    model = runner.model.eval()
    blocks |= _score(attempt, model)
    blocks |= _count(attempt)
    blocks['latency'], blocks['memory'] = _time(attempt, model, train_memory)
    return blocks


def describe_data(job: Job) -> dict[str, Any]:
    """Return the ``data`` block: what was trained on and what was scored, by the manifest's hash."""
    dataset = job.dataset
    return {
        'name': dataset.name,
        'split': dataset.test_split,
        'manifest': job.manifest,
        'images': {split: len(pairs) for split, pairs in dataset.splits.items()},
        'classes': list(dataset.classes),
        'redistributable': dataset.redistributable,
        'note': dataset.note,
    }


def _train(attempt: _Attempt) -> tuple[dict[str, Any], dict[str, Any]]:
    attempt.stage('train')
    made = attempt.composition
    runner = attempt.runner
    runner.register_hook(ProgressHook(attempt.report, made.steps, made.accumulate))
    with memory.peak_memory(attempt.job.run.device) as peak:
        runner.train()
    curve = _read_curve(attempt.folder / 'training' / 'curves.csv')
    store.write_atomically(attempt.folder / 'curves.csv', (attempt.folder / 'training' / 'curves.csv').read_bytes())
    losses = [float(row['loss']) for row in curve if row['loss']]
    seconds = float(curve[-1]['sec'])
    block = {
        'wall_sec': round(seconds, 3),
        'steps': made.steps,
        'epochs': round(made.epochs, 4),
        'batch_size': made.batch_size,
        'accumulate': made.accumulate,
        'input_size': list(made.crop),
        'channels_last': attempt.memory_format == torch.channels_last,
        'sec_per_step': round(seconds / made.steps, 5),
        'final_loss': round(float(np.mean(losses[-max(1, len(losses) // 10) :])), 6),
        'images': len(attempt.job.dataset.splits['train']),
    }
    return block, peak.as_dict()


def _read_curve(path: Path) -> list[dict[str, str]]:
    with path.open(newline='') as lines:
        return list(csv.DictReader(lines))


def _score(attempt: _Attempt, model: torch.nn.Module) -> dict[str, Any]:
    """Score the last checkpoint on the test split and, without augmentation, on the train split."""
    job = attempt.job
    attempt.stage('score test')
    names, matrices = _confusions(attempt, model, attempt.runner.test_dataloader, with_panels=True)
    attempt.stage('score train')
    train_loader = _train_loader_for_scoring(attempt)
    train_names, train_matrices = _confusions(attempt, model, train_loader, with_panels=False)
    with (attempt.folder / 'confusion.npz.part').open('wb') as out:
        np.savez_compressed(out, test=matrices, test_names=names, train=train_matrices, train_names=train_names)
    (attempt.folder / 'confusion.npz.part').replace(attempt.folder / 'confusion.npz')
    curve = _read_curve(attempt.folder / 'curves.csv')
    validations = [(float(row['val_miou']), int(row['step'])) for row in curve if row['val_miou']]
    best = max(validations, default=(None, None))
    return {
        'metrics': accuracy.scores(matrices, job.dataset.classes),
        'train_metrics': accuracy.scores(train_matrices, job.dataset.classes),
        'validation': {
            'split': 'val' if 'val' in job.dataset.splits else job.dataset.test_split,
            'best_miou': best[0],
            'best_step': best[1],
            'last_miou': validations[-1][0] if validations else None,
        },
        'selection': {'checkpoint': 'last', 'split': None},
    }


def _train_loader_for_scoring(attempt: _Attempt) -> Any:
    config = attempt.runner.cfg.test_dataloader.copy()
    config.dataset = config.dataset.copy()
    config.dataset.ann_file = str(attempt.job.pair_lists['train'])
    images = len(attempt.job.dataset.splits['train'])
    config.dataset.indices = budgets.spread(attempt.job.rule.scored_train_images, images)
    return Runner.build_dataloader(config)


def _confusions(
    attempt: _Attempt, model: torch.nn.Module, loader: Any, with_panels: bool
) -> tuple[np.ndarray, np.ndarray]:
    """Return image names [N] and int64 confusion matrices [N, K, K] of every image of ``loader``."""
    dataset = attempt.job.dataset
    total = len(loader.dataset)
    chosen = set(np.linspace(0, total - 1, min(PANELS, total)).astype(int).tolist()) if with_panels else set()
    names: list[str] = []
    matrices: list[torch.Tensor] = []
    for batch in loader:
        if _stop:
            raise Interrupted('asked to stop while scoring')
        with torch.inference_mode(), latency.precision_context(attempt.job.run.device, attempt.job.run.precision):
            samples = model.test_step(batch)
        for sample in samples:
            prediction = sample.pred_sem_seg.data[0]
            truth = sample.gt_sem_seg.data[0].to(prediction.device)
            matrices.append(confusion_matrix(prediction, truth, len(dataset.classes), dataset.ignore_index).cpu())
            if len(names) in chosen:
                panels.write(attempt.folder / 'panels', sample.img_path, truth, prediction, dataset)
            names.append(Path(sample.img_path).stem)
        attempt.report({'kind': 'score', 'image': len(names), 'of': total})
    return np.array(names), torch.stack(matrices).numpy()


def _count(attempt: _Attempt) -> dict[str, Any]:
    """Count the documented network at its documented size, and the run's own at the run's size."""
    attempt.stage('count')
    protocol = attempt.experiment.protocol
    documented = compose.model_for(attempt.experiment.model, protocol.num_classes)
    own = compose.model_for(attempt.experiment.model, len(attempt.job.dataset.classes))
    auxiliary = protocol.cost.count_auxiliary
    return {
        'cost': cost.count_config(documented, tuple(protocol.cost.input_shape), auxiliary),
        'run_cost': cost.count_config(own, (3, *attempt.job.run.size), auxiliary),
    }


def _time(
    attempt: _Attempt, model: torch.nn.Module, train_memory: dict[str, Any]
) -> tuple[dict[str, Any], dict[str, Any]]:
    attempt.stage('time')
    job = attempt.job
    shape = (1, 3, *job.run.size)
    inputs = torch.randn(shape, generator=torch.Generator().manual_seed(0)).to(job.run.device)
    step = latency.forward_argmax(model, inputs.to(memory_format=attempt.memory_format), job.run.precision)
    step()
    with memory.peak_memory(job.run.device) as peak:
        step()
    contended = job.contended or environment.others_at_work()
    timed = latency.measure_latency(
        step,
        job.run.device,
        seconds=job.rule.latency_sec,
        input_shape=shape,
        precision=job.run.precision,
        channels_last=attempt.memory_format == torch.channels_last,
    )
    made = attempt.composition
    train_shape = [made.batch_size // made.accumulate, 3, *made.crop]
    used = {
        'train_peak_bytes': train_memory['peak_bytes'],
        'inference_peak_bytes': peak.as_dict()['peak_bytes'],
        'train': {**train_memory, 'input_shape': train_shape},
        'inference': {**peak.as_dict(), 'input_shape': list(shape)},
    }
    return {**timed, 'contended': contended}, used
