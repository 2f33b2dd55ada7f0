"""The parts of a run, inside its process: train, score, time. Each returns blocks of the receipt."""

from pathlib import Path
from typing import Any

import torch

from bench import compose, environment, lease, pipelines, stages
from bench.measure import latency, memory
from bench.records import Job, Size
from bench.running import layout, scoring, training
from bench.running.attempt import Attempt, Report


def carry_out(job: Job, folder: Path, report: Report) -> dict[str, Any]:
    """Return the receipt's blocks for ``job``: every part in order.

    Args:
        folder: the run's folder; the resolved config, curves, confusion matrices and panels are written there.
        report: called with a progress message (a dict of plain values).

    Raises:
        Whatever a part raises; ``worker.classify`` turns it into a status.
    """
    with layout.kernels(job):
        return _carry_out(job, folder, report)


def _carry_out(job: Job, folder: Path, report: Report) -> dict[str, Any]:
    report({'kind': 'stage', 'stage': 'compose'})
    experiment = compose.read_experiment(job.config)
    protocol = stages.read(experiment.protocol, job.run.experiment)
    attempt = Attempt(job, folder, report, experiment, protocol)
    trained = training.train(attempt)
    blocks = {'data': describe_data(job), **trained.blocks}
    if protocol.score:
        blocks |= scoring.score(attempt, trained)
    # Nobody reads the times of a smoke run, so it waits for nobody. Nor does one that shared a GPU: its kernels were
    # chosen while others worked there, and are not those of a network alone, which ``--cost`` times.
    shared_gpu = job.run.device.startswith('cuda') and lease.met_others()
    with lease.alone(0.0 if job.rule.name == 'smoke' or shared_gpu else lease.WAIT_SEC) as alone:
        blocks['latency'], blocks['memory'] = _time(attempt, trained, alone and not shared_gpu)
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


def _scored_size(attempt: Attempt) -> Size:
    dataset, size = attempt.job.dataset, attempt.job.run.size
    return pipelines.image_sizes(attempt.experiment.protocol, dataset.name, dataset.base_size, size)[1]


def _time(attempt: Attempt, trained: training.Trained, alone: bool) -> tuple[dict[str, Any], dict[str, Any]]:
    attempt.enter('time')
    job, model = attempt.job, trained.runner.model.eval()
    shape = (1, 3, *_scored_size(attempt))
    inputs = torch.randn(shape, generator=torch.Generator().manual_seed(0)).to(job.run.device)
    step = latency.forward_argmax(model, inputs.to(memory_format=trained.memory_format), job.run.precision)
    if not attempt.protocol.score:
        # Scoring has prepared what a forward allocates once.
        step()
    with memory.peak_memory(job.run.device) as peak:
        step()
    contended = not alone or environment.others_at_work(job.run.device)
    watch = environment.Watch(job.run.device)
    timed = latency.measure_latency(
        step,
        job.run.device,
        seconds=job.rule.latency_sec,
        # Warm enough for the times of a smoke run.
        warm_up=job.rule.name != 'smoke',
        input_shape=shape,
        precision=job.run.precision,
        channels_last=trained.memory_format == torch.channels_last,
    )
    used = {
        'train_peak_bytes': trained.memory['peak_bytes'] if trained.memory else None,
        'inference_peak_bytes': peak.as_dict()['peak_bytes'],
        'train': trained.memory,
        'inference': {**peak.as_dict(), 'input_shape': list(shape)},
    }
    return {**timed, 'contended': contended or watch.met_others()}, used
