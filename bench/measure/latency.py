"""Latency of one forward: warmed up until stable, synchronised, with every sample kept.

Shapes: B images of C x H x W pixels, K classes. Times are wall time. Latency and memory are measured apart.
"""

import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from statistics import median
from typing import Any

import numpy as np
import torch
from scipy import special
from torch import Tensor, nn

from bench.measure import memory

REGION = 'network forward from a device tensor to logits at input size + argmax'
WINDOW = 5
"""Steps whose median is compared with that of the steps before, while warming up."""
STABLE_WITHIN = 0.05
MAX_SAMPLES = 1000
PERCENTILES = (50, 90, 95, 99)
OVERTIME = 3.0
"""A slow forward may stretch the sampling to this many times the wanted seconds, to reach the wanted samples."""

Clock = Callable[[], float]


@dataclass(frozen=True)
class WarmUp:
    """``steps`` that were run untimed; ``stable`` if two successive windows agreed before the time was up."""

    steps: int
    stable: bool


def measure_latency(
    step: Callable[[], Any],
    device: str | torch.device,
    seconds: float,
    min_samples: int = 10,
    batch_size: int = 1,
    input_shape: Sequence[int] | None = None,
    precision: str = 'fp32',
    channels_last: bool = False,
    warm_up: bool = True,
    overtime: float = OVERTIME,
    region: str = REGION,
    clock: Clock = time.perf_counter,
) -> dict[str, Any]:
    """Time ``step`` again and again.

    Args:
        step: one forward of a batch, see ``forward_argmax``, or what ``region`` says; the device is synchronised
            around it.
        device: where the step computes.
        seconds: how long to sample; the warm-up may take as long again.
        min_samples: wanted even where they take longer, up to ``overtime`` times ``seconds``; at least one is taken.
        batch_size: images a step, for ``images_per_sec``.
        input_shape: recorded, as are ``precision`` and ``channels_last``: what the step was built with.
        warm_up: whether to run untimed steps first, until they take the same time.
        clock: seconds, monotonic; another one makes a test exact.

    Returns:
        ``device``, ``device_name``, ``threads``, ``batch_size``, ``input_shape``, ``precision``, ``tf32``,
        ``onednn``, ``channels_last``, ``region``, ``samples`` (their number), ``samples_us`` (each one, rounded to
        microseconds), ``warmup`` (steps), ``warmup_stable`` and what ``summarise`` returns.

    Raises:
        ValueError: ``seconds``, ``min_samples`` or ``batch_size`` is not positive.
    """
    for name, value in (('seconds', seconds), ('min_samples', min_samples), ('batch_size', batch_size)):
        if value <= 0:
            raise ValueError(f'{name} is {value}; it must be above 0')
    device = torch.device(device)

    def timed() -> float:
        _synchronise(device)
        start = clock()
        step()
        _synchronise(device)
        return clock() - start

    warmed = _warm_up(timed, seconds, clock) if warm_up else WarmUp(0, stable=False)
    samples_sec = _sample(timed, seconds, min_samples, overtime * seconds, clock)
    return {
        'device': str(device),
        'device_name': torch.cuda.get_device_name(device) if device.type == 'cuda' else None,
        'threads': torch.get_num_threads(),
        'batch_size': batch_size,
        'input_shape': None if input_shape is None else list(input_shape),
        'precision': precision,
        'tf32': _uses_tf32(device),
        'onednn': onednn(device.type),
        'channels_last': channels_last,
        'region': region,
        'samples': len(samples_sec),
        'samples_us': [round(1e6 * sample) for sample in samples_sec],
        'warmup': warmed.steps,
        'warmup_stable': warmed.stable,
        **summarise(samples_sec, batch_size),
    }


def summarise(samples_sec: Sequence[float], batch_size: int) -> dict[str, float | None]:
    """Return the percentiles of ``samples_sec`` in milliseconds and the throughput at the median.

    ``pN_low_ms`` and ``pN_high_ms`` are the two order statistics that hold the true percentile with at least 95 %
    confidence, whatever the distribution; None where too few samples allow no such pair.
    """
    samples_ms = np.sort(1e3 * np.asarray(samples_sec))
    found: dict[str, float | None] = {}
    for percent in PERCENTILES:
        low, high = _interval(samples_ms, percent / 100)
        found[f'p{percent}_ms'] = float(np.percentile(samples_ms, percent))
        found |= {f'p{percent}_low_ms': low, f'p{percent}_high_ms': high}
    p50 = found['p50_ms']
    return {**found, 'images_per_sec': 1e3 * batch_size / p50 if p50 else None}


def _interval(ordered: np.ndarray, share: float) -> tuple[float, float] | tuple[None, None]:
    # As scipy.stats.quantile_test, whose module takes a second to import in every command that trains.
    count = len(ordered)
    # Chances that at most 0, 1, 2, ... of the samples lie below the true value.
    below = special.bdtr(np.arange(count + 1), count, share)
    low, high = int(np.searchsorted(below, 0.025)), int(np.searchsorted(below, 0.975))
    if low == 0 or high == count:
        return None, None
    return float(ordered[low - 1]), float(ordered[high])


def forward_argmax(model: nn.Module, inputs: Tensor, precision: str = 'fp32') -> Callable[[], Tensor]:
    """Return a step that maps ``inputs`` to the classes that an evaluation at the input's size would give.

    Args:
        model: an mmseg segmentor; put in evaluation mode.
        inputs: [B, C, H, W], normalised, on the model's device and in the memory format to be timed.
        precision: see ``precision_context``.

    Returns:
        A function of nothing; each call runs the network, whole or in sliding windows as its ``test_cfg`` says,
        resizes the logits to H x W and returns their argmax, integers [B, H, W] (0 and 1 by the head's threshold where
        it has a single channel).
    """
    forward = forward_logits(model, inputs, precision)

    def step() -> Tensor:
        with torch.inference_mode():
            logits = forward()
            if logits.shape[1] > 1:
                return logits.argmax(dim=1)
            return (logits.sigmoid() > model.decode_head.threshold).long().squeeze(1)

    return step


def forward_logits(model: nn.Module, inputs: Tensor, precision: str = 'fp32') -> Callable[[], Tensor]:
    """Return a step that maps ``inputs`` to logits [B, K, H, W]; arguments as for ``forward_argmax``."""
    model.eval()
    size = tuple(inputs.shape[-2:])
    meta = {'ori_shape': size, 'img_shape': size, 'pad_shape': size, 'padding_size': [0, 0, 0, 0]}

    def step() -> Tensor:
        with torch.inference_mode(), precision_context(inputs.device, precision):
            # Sliding windows write into the first image's meta.
            return model.inference(inputs, [dict(meta) for _ in range(inputs.shape[0])])

    return step


def precision_context(device: str | torch.device, precision: str) -> AbstractContextManager[Any]:
    """Return the context a forward of ``precision`` runs in: as it is for ``fp32``, autocast for ``bf16``.

    Raises:
        ValueError: another precision.
    """
    if precision == 'fp32':
        return nullcontext()
    if precision == 'bf16':
        return torch.autocast(torch.device(device).type, dtype=torch.bfloat16)
    raise ValueError(f'precision is {precision!r}; choose fp32 or bf16')


def best_batch(measure: Callable[[int], dict[str, Any]], largest: int, gain: float = 0.05) -> dict[str, Any]:
    """Double the batch until the throughput no longer grows by ``gain``; return the fastest measurement.

    ``measure`` maps a batch size to what ``measure_latency`` returns. A batch that fails ends the search; if already a
    single image does, its error is passed on. What failed for another reason than a lack of memory (there are kernels
    that take no tensor of that size) is told as ``search_ended_by``.
    """
    best = measure(1)
    batch_size = 2
    while batch_size <= largest:
        try:
            found = measure(batch_size)
        except (RuntimeError, MemoryError) as error:
            return best if memory.ran_out(error) else best | {'search_ended_by': f'batch {batch_size}: {error}'[:200]}
        if found['images_per_sec'] < best['images_per_sec'] * (1 + gain):
            return max(best, found, key=lambda one: one['images_per_sec'])
        best, batch_size = found, 2 * batch_size
    return best


def _warm_up(timed: Callable[[], float], seconds: float, clock: Clock) -> WarmUp:
    start, steps, before = clock(), 0, 0.0
    while True:
        window = []
        for _ in range(WINDOW):
            window.append(timed())
            steps += 1
            if clock() - start >= seconds:
                return WarmUp(steps, stable=False)
        now = median(window)
        if abs(now - before) <= STABLE_WITHIN * before:
            return WarmUp(steps, stable=True)
        before = now


def _sample(timed: Callable[[], float], seconds: float, min_samples: int, most_sec: float, clock: Clock) -> list[float]:
    start, samples = clock(), [timed()]
    while len(samples) < MAX_SAMPLES:
        spent = clock() - start
        if spent >= most_sec or (spent >= seconds and len(samples) >= min_samples):
            break
        samples.append(timed())
    return samples


def _synchronise(device: torch.device) -> None:
    if device.type == 'cuda':
        torch.cuda.synchronize(device)


def onednn(device: str) -> bool | None:
    """Return whether a processor convolves by oneDNN; None on a GPU."""
    return bool(torch.backends.mkldnn.is_available() and torch.backends.mkldnn.enabled) if device == 'cpu' else None


def _uses_tf32(device: torch.device) -> bool | None:
    """Return whether fp32 convolutions may be rounded to TF32: PyTorch's default on a CUDA device."""
    return bool(torch.backends.cudnn.allow_tf32) if device.type == 'cuda' else None
