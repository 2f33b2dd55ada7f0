"""Count and time one network with its documented classes, at its documented size or a given one; nothing is trained.

Runs in a worker.
"""

import contextlib
import gc
import json
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from mmengine.config import Config, ConfigDict
from mmengine.registry import init_default_scope
from mmseg.registry import MODELS
from torch import Tensor, nn

from bench import compose, devices, environment, store
from bench.measure import cost, energy, latency, memory
from bench.records import SCHEMA_VERSION, CostJob, Status
from bench.running import compiling, layout, train_costing

LARGEST_BATCH = {'cpu': 8, 'cuda': 64}
"""Where the search for the batch of the highest throughput ends."""
SAME_LOGITS = {'fp32': 1e-3, 'bf16': 0.1}
"""What a compiler may change in the logits, as a share of the largest one: rounding in another order."""
OVERTIME = 8.0
"""A single image may stretch the sampling to this many times ``seconds``: of six samples a median has an interval."""


def measure(job: CostJob, alive: Callable[[], None] = lambda: None) -> Iterator[dict[str, Any]]:
    """Yield the record of ``job``: what is counted exactly, then latency, throughput at its best batch, energy and,
    apart from these, memory of one forward. Where training steps are wanted too, or the network is to be compiled,
    yield the record again with what these came to: each can take longer than anybody waits, and what was measured
    before is not to be lost.

    The weights are random: neither counts nor times depend on them.

    Args:
        alive: called after every training step.
    """
    experiment = compose.read_experiment(job.config)
    record: dict[str, Any] = {}
    for record in _inference(job, experiment):
        yield record
    if job.training:
        # What one forward needed is let go; a compiled network refers to itself.
        gc.collect()
        contended = environment.others_at_work(job.device)
        watch = environment.Watch(job.device)
        training = train_costing.measure(job, experiment, alive)
        contended = contended or watch.met_others()
        yield {**record, 'training': None if training is None else {**training, 'contended': contended}}


def _inference(job: CostJob, experiment: Config) -> Iterator[dict[str, Any]]:
    protocol = experiment.protocol
    shape = (1, *protocol.cost.input_shape)
    if job.size is not None:
        shape = (*shape[:2], *job.size)
    model_config = compose.model_for(experiment.model, protocol.num_classes)
    counted = cost.count_config(model_config, shape[1:], protocol.cost.count_auxiliary)
    init_default_scope('mmseg')
    # As in a run; the shape stays the same.
    torch.backends.cudnn.benchmark = True
    model = MODELS.build(ConfigDict(model_config)).to(job.device).eval()
    memory_format = layout.choose(model, job.device, job.precision)
    model.to(memory_format=memory_format)
    inputs = torch.randn(shape, generator=torch.Generator().manual_seed(0)).to(job.device, memory_format=memory_format)
    step = latency.forward_argmax(model, inputs, job.precision)
    step()
    with memory.peak_memory(job.device) as peak:
        step()
    contended = environment.others_at_work(job.device)
    watch = environment.Watch(job.device)
    timed = _timed(job, model, inputs)
    contended = contended or watch.met_others()
    counter = energy.find_counter(job.device)
    record = {
        **head(job, 'ok', ''),
        'as_documented': job.size is None,
        'cost': counted,
        **{name: {**found, 'contended': contended} for name, found in timed.items()},
        'energy': energy.measure_energy(step, job.device, counter, _shared(job.device, contended)),
        'memory': {'inference_peak_bytes': peak.as_dict()['peak_bytes'], 'inference': peak.as_dict()},
        'environment': environment.describe(job.device, job.threads),
    }
    yield record
    if job.compile:
        # Last, as it changes the model.
        yield {**record, 'compiled': _compiled(job, model, inputs, timed['throughput']['batch_size'])}


def _shared(device: str, contended: bool) -> Callable[[], bool]:
    """Return what tells whether others use ``device`` now, or have since it was asked before."""
    watch = environment.Watch(device)

    def asked() -> bool:
        nonlocal watch
        if device != 'cpu' and devices.gpu_use_percent(device) is None:
            # Whose work the energy goes into cannot be told.
            return True
        before, watch = watch, environment.Watch(device)
        return contended or before.others_at_work() or environment.others_at_work(device)

    return asked


def _timed(job: CostJob, model: nn.Module, inputs: Tensor, batch: int | None = None) -> dict[str, dict[str, Any]]:
    """Return ``latency`` of the one image ``inputs`` [1, C, H, W] and ``throughput`` at ``batch`` (None: the best)."""
    channels_last = inputs.is_contiguous(memory_format=torch.channels_last)
    memory_format = torch.channels_last if channels_last else torch.contiguous_format

    def timed(count: int) -> dict[str, Any]:
        images = inputs.expand(count, -1, -1, -1).contiguous(memory_format=memory_format)
        step = latency.forward_argmax(model, images, job.precision)
        # Whatever is prepared once for a shape is not warming up.
        step()
        return latency.measure_latency(
            step,
            job.device,
            seconds=job.seconds if count == 1 else job.seconds / 2,
            overtime=OVERTIME if count == 1 else latency.OVERTIME,
            batch_size=count,
            input_shape=tuple(images.shape),
            precision=job.precision,
            channels_last=channels_last,
        )

    single = timed(1)
    if batch is not None:
        return {'latency': single, 'throughput': single if batch == 1 else timed(batch)}
    largest = LARGEST_BATCH['cpu' if job.device == 'cpu' else 'cuda']
    fastest = latency.best_batch(lambda count: single if count == 1 else timed(count), largest)
    return {'latency': single, 'throughput': fastest}


def _compiled(job: CostJob, model: nn.Module, inputs: Tensor, batch: int) -> dict[str, Any]:
    """Compile ``model`` in place and time it for one image and for ``batch``, if it still gives the same logits.

    The batch is the best one of the network as it is: each is compiled anew.

    Returns:
        ``parts`` and ``reason`` of ``compiling.compile_parts``, ``difference`` (the largest of the logits, as a share
        of the largest logit) and, where that is within ``SAME_LOGITS``, ``latency`` and ``throughput``.
    """
    made: dict[str, Any] = {'parts': []}
    try:
        forward = latency.forward_logits(model, inputs, job.precision)
        # Where convolutions of fp32 may be rounded to TF32, two kernels differ by more than a compiler does.
        with torch.backends.cudnn.flags(enabled=True, benchmark=True, allow_tf32=False):
            eager = forward().float()
            made = compiling.compile_parts(model, job.device)
            if made['reason']:
                return {**made, 'difference': None}
            difference = float((forward().float() - eager).abs().max() / eager.abs().max().clamp_min(1e-12))
        if not difference <= SAME_LOGITS[job.precision]:
            return {**made, 'difference': None, 'reason': f'its logits differ by {difference:.2g} of the largest one'}
        timed = _timed(job, model, inputs, batch)
    except (RuntimeError, MemoryError) as error:
        # What was measured of the network as it is stays.
        return {**made, 'difference': None, 'reason': f'{type(error).__name__}: {error}'.splitlines()[0][:200]}
    # Counted last: every batch is a form of its own.
    return {**made, 'difference': difference, **timed, 'uncompiled_frames': compiling.left_eager()}


def head(job: CostJob, status: Status, reason: str) -> dict[str, Any]:
    """Return what every record of a cost job begins with."""
    about = {key: value for key, value in asdict(job).items() if key in ('experiment', 'device', 'precision', 'key')}
    report = job.experiment.split('/')[0]
    ended = {'same_network': list(job.same_network), 'status': status, 'reason': reason}
    return {'schema_version': SCHEMA_VERSION, 'report': report, **about, **ended}


def write(job: CostJob, record: dict[str, Any]) -> Path:
    """Store a record as ``<experiment>/cost-<device>-<precision>-<H>x<W>.json`` and return its path.

    What an earlier record has and this one does not (training steps, the compiled network) is kept with its own key.
    """
    height, width = record['cost']['input_shape'][1:]
    path = job.results / f'{job.folder}-{height}x{width}.json'
    with contextlib.suppress(OSError, ValueError):
        earlier = json.loads(path.read_text(encoding='utf-8'))
        kept = {name: earlier[name] for name in ('compiled', 'training') if earlier.get(name) and name not in record}
        record = {**record, **{name: {'key': earlier['key'], **block} for name, block in kept.items()}}
    store.write_atomically(path, json.dumps(record, indent=1, allow_nan=False) + '\n')
    return path
