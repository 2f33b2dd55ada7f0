"""What a run is expected to need, from counted networks and from runs that have already been measured. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from statistics import median
from typing import Any

from bench.amounts import PRECISE_BN_IMAGES
from bench.records import BudgetRule, Forecast, Receipt, Run

FIXED_SEC = 3.0
"""Composing, writing and tidying, whatever the network."""

PROCESS_BYTES = 900_000_000
"""A worker with torch and mmseg loaded, before it holds any tensor."""

CONTEXT_BYTES = 600_000_000
"""What a process takes of a CUDA device before it holds any tensor."""

DEFAULT_MACS_PER_SEC = {
    ('cpu', 'fp32'): 3.0e10,
    ('cpu', 'bf16'): 5.0e10,
    ('cuda', 'fp32'): 8.0e12,
    ('cuda', 'bf16'): 2.0e13,
}
"""Multiply-adds a second, per thread on the CPU; used until a measured run says better."""

NARROW_MACS_PER_SEC = {('cpu', 'fp32'): 1.2e10, ('cpu', 'bf16'): 1.5e9}
"""The same on a processor without AVX-512 or Arm's bf16: single precision as published runs of a MobileNetV2 had it,
6 to 18e9 on an AMD EPYC of the third generation; bfloat16, for which there are no instructions, 9 to 40 times slower
(torch 2.13, convolutions of several widths and a DeepLabV3+)."""

SAME_AGAIN = 1.05
"""A run is given a little more than the peak of an equal one: allocators differ from run to run."""

FURTHEST = 4.0
"""Up to this many times larger or smaller batches a measured peak says more than counting does."""

AFTER_OOM = 1.5
"""How much more is forecast for a run that ended for want of memory."""

TRAIN_PASSES = 3.0
"""A training step costs about three forward passes: one forward, two backward."""


@dataclass(frozen=True)
class Footprint:
    """What was counted of one network: all for one image or one batch, see the fields.

    ``macs_image`` multiply-adds of one forward at the run's image size, ``macs_crop`` of one training sample,
    ``params`` parameters of a training, ``batch_bytes`` saved for backward by one training micro-batch of
    ``micro_batch`` samples of ``crop_pixels`` each; ``validations`` how often val is scored while training (None: as
    the budget says).
    """

    params: int
    macs_image: int
    macs_crop: int
    batch_bytes: int
    micro_batch: int
    crop_pixels: int
    steps: int
    batch_size: int
    optimizer_states: int = 2
    validations: int | None = None


class Measured:
    """What earlier runs tell about later ones; takes their receipts in one by one and keeps a few numbers of each."""

    def __init__(self) -> None:
        self._speeds: dict[tuple[str, ...], list[float]] = {}
        self._peaks: dict[tuple[Any, ...], dict[int, Peak]] = {}
        self._refused: dict[str, int] = {}

    def add(self, receipt: Receipt) -> None:
        """Take in how a run went."""
        if receipt.status == 'oom':
            self._refused[receipt.id] = int((receipt.memory or {}).get('admitted_bytes') or 0)
        if receipt.status != 'ok' or not receipt.environment:
            return
        device = str(receipt.environment['device']).split(':')[0]
        self._add_speed(receipt, device, receipt.environment['threads'])
        found = _peak(receipt, device)
        if found is not None:
            known = self._peaks.setdefault(_family(receipt.experiment, device, receipt.precision, receipt), {})
            if found.pixels not in known or found.total_bytes > known[found.pixels].total_bytes:
                known[found.pixels] = found

    def _add_speed(self, receipt: Receipt, device: str, threads: int) -> None:
        # The steps of a training in stages differ in size and in what they train.
        if not receipt.train or not receipt.run_cost or 'stages' in receipt.train:
            return
        crop, image = receipt.train['input_size'], receipt.run_cost['input_shape'][1:]
        share = crop[0] * crop[1] / (image[0] * image[1])
        macs = TRAIN_PASSES * receipt.run_cost['macs'] * share * receipt.train['batch_size']
        speed = macs / receipt.train['sec_per_step'] / (threads if device == 'cpu' else 1)
        self._speeds.setdefault((device, receipt.precision), []).append(speed)
        if receipt.budget != 'smoke':
            # The few steps of a smoke run are mostly the first one, which is slow.
            self._speeds.setdefault((receipt.experiment, device, receipt.precision), []).append(speed)

    def speeds(self) -> dict[tuple[str, ...], float]:
        """Return measured multiply-adds a second, per thread on the CPU.

        By (device kind, precision) and, since networks of many small layers are slower than they count, by
        (experiment, device kind, precision).
        """
        return {key: median(values) for key, values in self._speeds.items()}

    def memory_bytes(self, counted: Footprint, run: Run, classes: int, parts: int = 1) -> int:
        """Return the peak memory that ``run`` is expected to need, its batch split into ``parts``.

        That of the run of the same experiment, precision and number of ``classes`` on such a device whose batch came
        closest in pixels: as measured where it is the same, else what grows with the batch in proportion, never less
        than counted for a larger one; as counted where none came within ``FURTHEST``. A run that ended for want
        of memory is given more than it had.
        """
        expected = peak_bytes(counted, run, parts)
        kind = run.device.split(':')[0]
        pixels = round(counted.crop_pixels * counted.micro_batch / parts)
        known = self._peaks.get((run.experiment, kind, run.precision, classes), {})
        nearest = min(known.values(), key=lambda one: _apart(one.pixels, pixels), default=None)
        if nearest is not None and _apart(nearest.pixels, pixels) <= FURTHEST:
            scaled = nearest.scaled(pixels, 4 * counted.params * (1 + counted.optimizer_states))
            expected = max(scaled, expected) if pixels > nearest.pixels else scaled
        if run.folder in self._refused:
            expected = int(AFTER_OOM * max(expected, self._refused[run.folder]))
        return expected

    def after_oom(self, counted: Footprint, run: Run, classes: int, parts: int) -> Footprint:
        """Return ``counted``, larger where ``run`` in ``parts`` ended for want of memory, so that it is split further.

        What merely succeeded changes nothing here: a training goes on only with the split that it began with.
        """
        if run.folder not in self._refused:
            return counted
        missing = self.memory_bytes(counted, run, classes, parts) - peak_bytes(counted, run, parts)
        return replace(counted, batch_bytes=counted.batch_bytes + max(0, missing) * parts)


@dataclass(frozen=True)
class Peak:
    """A measured peak: ``total_bytes``, ``held_bytes`` of it before training began; ``pixels`` are a micro-batch's."""

    pixels: int
    total_bytes: int
    held_bytes: int

    def scaled(self, pixels: int, state_bytes: int) -> int:
        """Return the peak with ``pixels`` a micro-batch; ``state_bytes`` are gradients and the optimiser's state."""
        fixed = min(self.total_bytes, self.held_bytes + state_bytes)
        return int(SAME_AGAIN * (fixed + (self.total_bytes - fixed) * pixels / self.pixels))


def _peak(receipt: Receipt, device: str) -> Peak | None:
    block = (receipt.memory or {}).get('train')
    if not block or not block.get('peak_bytes') or not receipt.cost:
        return None
    batch, _, height, width = block['input_shape']
    weights = 4 * receipt.cost['params']
    if device == 'cpu':
        growth = block.get('process_growth_bytes')
        held = PROCESS_BYTES + weights if growth is None else block['peak_bytes'] - growth
        return Peak(batch * height * width, block['peak_bytes'], held)
    # The allocator keeps more than it hands out, and all of it is taken from the others on the device.
    taken = max(block['peak_bytes'], block.get('reserved_bytes') or 0) + CONTEXT_BYTES
    return Peak(batch * height * width, taken, CONTEXT_BYTES + weights)


def _family(experiment: str, device: str, precision: str, receipt: Receipt) -> tuple[Any, ...]:
    return experiment, device, precision, len((receipt.data or {}).get('classes', ()))


def _apart(first: int, second: int) -> float:
    return max(first, second) / max(1, min(first, second))


def peak_bytes(counted: Footprint, run: Run, parts: int = 1) -> int:
    """Return the peak memory that counting says ``run`` needs on its device, its batch split into ``parts``."""
    return int(_fixed_bytes(counted, run.device) + counted.batch_bytes / parts)


def _fixed_bytes(counted: Footprint, device: str) -> int:
    """Return what a batch does not change: the process on its device, weights, gradients and optimiser state."""
    base = PROCESS_BYTES if device == 'cpu' else CONTEXT_BYTES
    return base + 4 * counted.params * (2 + counted.optimizer_states)


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
    budget; ``measured`` is what ``Measured.speeds`` returned and may be empty. The memory is as counted, for the whole
    batch at once; ``Measured.memory_bytes`` knows better.
    """
    kind = run.device.split(':')[0]
    usual = measured.get((kind, run.precision), DEFAULT_MACS_PER_SEC[kind, run.precision])
    speed = measured.get((run.experiment, kind, run.precision), usual)
    speed *= threads if kind == 'cpu' else 1
    train = TRAIN_PASSES * counted.macs_crop * counted.batch_size * counted.steps
    # Most networks have batch norm, and are scored twice.
    again = 0 if rule.name == 'smoke' else images['test'] + PRECISE_BN_IMAGES
    scored = images['val'] * (counted.validations or rule.validations) + images['test'] + images['train'] + again
    wall = FIXED_SEC + 2 * rule.latency_sec + (train + counted.macs_image * scored) / speed
    disk = 4 * counted.params * (1 + counted.optimizer_states) + 2_000_000
    return Forecast(wall, peak_bytes(counted, run), disk)


def micro_batches(counted: Footprint, device: str, limit_bytes: int) -> int:
    """Return into how many equal parts a batch must be split so that a step fits ``limit_bytes`` of ``device``.

    Weights, gradients and optimiser state do not shrink. A part holds at least two images, because batch norm on a
    pooled 1x1 map cannot work with one; where not even that fits, the run may end as ``oom``.
    """
    fixed = _fixed_bytes(counted, device)
    per_image = counted.batch_bytes / counted.micro_batch
    choices = [parts for parts in range(1, counted.batch_size // 2 + 1) if counted.batch_size % parts == 0] or [1]
    fitting = (parts for parts in choices if fixed + per_image * counted.batch_size / parts <= limit_bytes)
    return next(fitting, choices[-1])
