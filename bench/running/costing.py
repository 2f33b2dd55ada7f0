"""Count and time one documented network at its documented size and classes; nothing is trained. Runs in a worker."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from mmengine.config import ConfigDict
from mmengine.registry import init_default_scope
from mmseg.registry import MODELS

from bench import compose, environment, store
from bench.measure import cost, energy, latency, memory
from bench.records import SCHEMA_VERSION, CostJob, Status
from bench.running import layout

LARGEST_BATCH = {'cpu': 8, 'cuda': 64}
"""Where the search for the batch of the highest throughput ends."""


def measure(job: CostJob) -> dict[str, Any]:
    """Return the record of ``job``: what is counted exactly, then latency, throughput at its best batch, energy and,
    apart from these, memory of one forward.

    The weights are random: neither counts nor times depend on them.
    """
    experiment = compose.read_experiment(job.config)
    protocol = experiment.protocol
    shape = (1, *protocol.cost.input_shape)
    model_config = compose.model_for(experiment.model, protocol.num_classes)
    counted = cost.count_config(model_config, shape[1:], protocol.cost.count_auxiliary)
    init_default_scope('mmseg')
    model = MODELS.build(ConfigDict(model_config)).to(job.device).eval()
    memory_format = layout.choose(model, job.device, job.precision)
    model.to(memory_format=memory_format)
    inputs = torch.randn(shape, generator=torch.Generator().manual_seed(0)).to(job.device, memory_format=memory_format)
    step = latency.forward_argmax(model, inputs, job.precision)
    step()
    with memory.peak_memory(job.device) as peak:
        step()
    contended = environment.others_at_work()

    def timed(batch: int, seconds: float) -> dict[str, Any]:
        images = inputs.expand(batch, -1, -1, -1).contiguous(memory_format=memory_format)
        return latency.measure_latency(
            step if batch == 1 else latency.forward_argmax(model, images, job.precision),
            job.device,
            seconds=seconds,
            batch_size=batch,
            input_shape=tuple(images.shape),
            precision=job.precision,
            channels_last=memory_format == torch.channels_last,
        )

    single = timed(1, job.seconds)
    largest = LARGEST_BATCH['cpu' if job.device == 'cpu' else 'cuda']
    fastest = latency.best_batch(lambda batch: single if batch == 1 else timed(batch, job.seconds / 2), largest)
    counter = energy.find_counter(job.device)
    return {
        **head(job, 'ok', ''),
        'cost': counted,
        'latency': {**single, 'contended': contended},
        'throughput': {**fastest, 'contended': contended},
        'energy': energy.measure_energy(step, job.device, counter, shared=contended),
        'memory': {'inference_peak_bytes': peak.as_dict()['peak_bytes'], 'inference': peak.as_dict()},
        'environment': environment.describe(job.device, job.threads),
    }


def head(job: CostJob, status: Status, reason: str) -> dict[str, Any]:
    """Return what every record of a cost job begins with."""
    about = {key: value for key, value in asdict(job).items() if key in ('experiment', 'device', 'precision', 'key')}
    report = job.experiment.split('/')[0]
    return {'schema_version': SCHEMA_VERSION, 'report': report, **about, 'status': status, 'reason': reason}


def write(job: CostJob, record: dict[str, Any]) -> Path:
    """Store a record as ``<experiment>/cost-<device>-<precision>-<H>x<W>.json`` and return its path."""
    height, width = record['cost']['input_shape'][1:]
    path = job.results / f'{job.folder}-{height}x{width}.json'
    store.write_atomically(path, json.dumps(record, indent=1, allow_nan=False) + '\n')
    return path
