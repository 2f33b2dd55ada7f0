"""What a run is expected to need, from counted networks and from runs that have already been measured. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from statistics import median
from typing import Any

from bench.records import BudgetRule, Forecast, Receipt, Run

FIXED_SEC = 3.0
"""Composing, counting, writing and tidying, whatever the network."""

PROCESS_BYTES = 900_000_000
"""A worker with torch and mmseg loaded, before it holds any tensor."""

DEFAULT_MACS_PER_SEC = {
    ('cpu', 'fp32'): 3.0e10,
    ('cpu', 'bf16'): 5.0e10,
    ('cuda', 'fp32'): 8.0e12,
    ('cuda', 'bf16'): 2.0e13,
}
"""Multiply-adds a second, per thread on the CPU; used until a measured run says better."""

TRAIN_PASSES = 3.0
"""A training step costs about three forward passes: one forward, two backward."""


@dataclass(frozen=True)
class Footprint:
    """What was counted of one network: all for one image or one batch, see the fields.

    ``macs_image`` multiply-adds of one forward at the run's image size, ``macs_crop`` of one training sample,
    ``params`` trainable parameters, ``batch_bytes`` saved for backward by one training micro-batch of ``micro_batch``;
    ``validations`` how often val is scored while training (None: as often as the budget says).
    """

    params: int
    macs_image: int
    macs_crop: int
    batch_bytes: int
    micro_batch: int
    steps: int
    batch_size: int
    optimizer_states: int = 2
    validations: int | None = None


def speeds(receipts: Iterable[Receipt]) -> dict[tuple[str, str], float]:
    """Return measured multiply-adds a second, per thread on the CPU, by device kind and precision."""
    found: dict[tuple[str, str], list[float]] = {}
    for receipt in receipts:
        if receipt.status != 'ok' or not receipt.train or not receipt.run_cost or not receipt.environment:
            continue
        if 'stages' in receipt.train:
            # Its steps differ in size and in what they train.
            continue
        device = str(receipt.environment['device']).split(':')[0]
        threads = receipt.environment['threads'] if device == 'cpu' else 1
        crop, image = receipt.train['input_size'], receipt.run_cost['input_shape'][1:]
        share = crop[0] * crop[1] / (image[0] * image[1])
        macs = TRAIN_PASSES * receipt.run_cost['macs'] * share * receipt.train['batch_size']
        found.setdefault((device, receipt.precision), []).append(macs / receipt.train['sec_per_step'] / threads)
    return {key: median(values) for key, values in found.items()}


def forecast(
    counted: Footprint,
    run: Run,
    rule: BudgetRule,
    images: Mapping[str, int],
    threads: int,
    measured: Mapping[Any, float],
) -> Forecast:
    """Return what ``run`` needs.

    ``images`` is the number of images of each scored split (``train``, ``val``, ``test``), already limited by the
    budget; ``measured`` is what ``speeds`` returned and may be empty.
    """
    kind = run.device.split(':')[0]
    speed = measured.get((kind, run.precision), DEFAULT_MACS_PER_SEC[kind, run.precision])
    speed *= threads if kind == 'cpu' else 1
    train = TRAIN_PASSES * counted.macs_crop * counted.batch_size * counted.steps
    scored = images['val'] * (counted.validations or rule.validations) + images['test'] + images['train']
    wall = FIXED_SEC + 2 * rule.latency_sec + (train + counted.macs_image * scored) / speed
    weights = 4 * counted.params
    memory = weights * (2 + counted.optimizer_states) + counted.batch_bytes
    if kind == 'cpu':
        memory += PROCESS_BYTES
    return Forecast(wall, int(memory), weights * (1 + counted.optimizer_states) + 2_000_000)


def micro_batches(counted: Footprint, limit_bytes: int) -> int:
    """Return into how many equal parts a batch must be split so that a step fits ``limit_bytes``.

    Weights, gradients and optimiser state do not shrink. A part holds at least two images, because batch norm on a
    pooled 1x1 map cannot work with one; where not even that fits, the run may end as ``oom``.
    """
    fixed = 4 * counted.params * (2 + counted.optimizer_states) + PROCESS_BYTES
    per_image = counted.batch_bytes / counted.micro_batch
    choices = [parts for parts in range(1, counted.batch_size // 2 + 1) if counted.batch_size % parts == 0] or [1]
    fitting = (parts for parts in choices if fixed + per_image * counted.batch_size / parts <= limit_bytes)
    return next(fitting, choices[-1])
