"""The settings that runs trained in, asked for evidence of claims."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from bench.claims import Answer, Claim
from bench.judging import comparable, curve_values, replicates, run_values
from bench.judging.replicates import Wanted
from bench.judging.resampling import image_interval
from bench.judging.run_values import lacking_weights, run_value
from bench.judging.samples import Circumstances, Key, Sample
from bench.judging.scored_images import DETAIL, INTERVAL, RATIO, Replicates, ScoredImages, follows_from_images
from bench.judging.uncertainty import Spread, pooled_spread
from bench.records import Receipt
from bench.settings import Setting, setting_of

Stored = tuple[Path, Receipt]
Counts = Mapping[str, Mapping[str, Any]]
ImageIntervals = Mapping[tuple[str, Setting], tuple[float, float]]
"""Low and high end in percent, by experiment and setting."""

TOLD_SEEDS = 5
"""From this many seeds of an experiment it is told how the choice of images moves their mean: more say little else."""

UNTRIED = frozenset({'interrupted', 'skipped', 'missing-data'})
"""Statuses of runs that never got to fail."""

FULL_SIZE = 0.95
"""From this share of the documented short side on, an image counts as of the documented size (512 for 513)."""


class Place(Protocol):
    """One setting, asked for the samples of claims."""

    def speaks_of(self, keys: Sequence[Key]) -> bool:
        """Return whether it has a run of any of the experiments in ``keys``."""

    def prepare(self, keys: Iterable[Key]) -> None:
        """Read what the samples of all these keys need at once, which is quicker; ``sample`` does without as well."""

    def sample(self, key: Key) -> Sample: ...

    def known(self, metric: str) -> Spread | None:
        """Return the spread of ``metric`` over seeds within all experiments here, None where it is not known."""

    def circumstances(self, claim: Claim) -> Circumstances: ...

    def image_intervals(self) -> ImageIntervals:
        """Return, where it is known, the 95 % interval of an experiment's mean mIoU over the choice of test images."""

    def forget(self) -> None:
        """Let go of everything that was read."""


def run_places(stored: Iterable[Stored], counts: Counts) -> Iterator['RunPlace']:
    """Yield the settings that runs trained in, the most telling first."""
    found: dict[Setting, list[Stored]] = {}
    for folder, receipt in stored:
        found.setdefault(setting_of(receipt), []).append((folder, receipt))
    for setting in sorted(found, key=lambda one: one.order):
        yield RunPlace(setting, found[setting], counts)


class RunPlace:
    """A setting that runs trained in."""

    def __init__(self, setting: Setting, stored: Iterable[Stored], counts: Counts):
        self.setting = setting
        self.runs: dict[str, list[Stored]] = {}
        for folder, receipt in sorted(stored, key=lambda one: (one[1].seed, one[1].id)):
            self.runs.setdefault(receipt.experiment, []).append((folder, receipt))
        self.finished = {name: _finished(runs) for name, runs in self.runs.items()}
        self.by_seed = {(name, one.seed): one for name, runs in self.finished.items() for _, one in runs}
        documented = {name: counts.get(name, {}).get('documented', {}) for name in self.runs}
        self.made = {
            receipt.id: comparable.conditions_of(receipt, documented[name].get('epochs'))
            for name, runs in self.finished.items()
            for _, receipt in runs
        }
        self.right_data = frozenset(n for n, one in documented.items() if one.get('dataset') == setting.dataset)
        # Timed on a GPU means that every run was.
        self.on_gpu = all(_device(receipt).startswith('cuda') for runs in self.runs.values() for _, receipt in runs)
        whole = {
            name
            for name, one in documented.items()
            if self._short_side(name) >= FULL_SIZE * one.get('short_side', float('inf'))
        }
        self.as_documented = self.right_data & whole if setting.budget == 'full' else frozenset()
        self.forget()

    def _short_side(self, name: str) -> int:
        """Return that of the images that were scored: of documented data at their own size it may be another."""
        for _, receipt in self.finished[name]:
            if shape := (receipt.run_cost or {}).get('input_shape'):
                return min(shape[1:])
        return min(self.setting.size) if self.setting.size else 0

    def forget(self) -> None:
        self._images: dict[Path, ScoredImages] = {}
        self._samples: dict[Key, Sample] = {}
        self._replicates: dict[tuple[Path, str], Replicates | None] = {}
        self._known: dict[str, Spread | None] = {}

    def speaks_of(self, keys: Sequence[Key]) -> bool:
        return any(name in self.runs for _, name, _ in keys)

    def circumstances(self, claim: Claim) -> Circumstances:
        foreign = not set(claim.experiments) & self.right_data
        return Circumstances(
            self.setting.label,
            smoke=self.setting.smoke,
            reduced=self.setting.budget != 'full',
            dataset=self.setting.dataset,
            on_gpu=self.on_gpu,
            right_data=self.right_data,
            as_documented=self.as_documented,
            rank=(1, foreign, *self.setting.order),
        )

    def prepare(self, keys: Iterable[Key]) -> None:
        if self.setting.smoke:
            return
        metrics: dict[str, set[str]] = {}
        for metric, name, _ in keys:
            if follows_from_images(metric):
                metrics.setdefault(name, set()).add(metric)
        wanted = [
            Wanted(folder, one.dataset, _classes(one), tuple(sorted(asked)))
            for name, finished in self.finished.items()
            for place, (folder, one) in enumerate(finished)
            if (asked := metrics.get(name, set()) | ({INTERVAL} if place < TOLD_SEEDS else set()))
        ]
        for one, found in zip(wanted, replicates.of_runs(wanted), strict=True):
            self._replicates |= {(one.folder, metric): values for metric, values in found.items()}

    def image_intervals(self) -> ImageIntervals:
        found = {} if self.setting.smoke else {name: self._image_interval(name) for name in self.finished}
        return {(name, self.setting): interval for name, interval in found.items() if interval is not None}

    def _image_interval(self, name: str) -> tuple[float, float] | None:
        """Return the interval of an experiment's mean over seeds.

        None unless the first ``TOLD_SEEDS`` of them have matrices, and all of the same images.
        """
        scored = [(*run, value) for run in self.finished[name] if (value := run_value(INTERVAL, run[1])) is not None]
        found = [self._replicates_of(folder, receipt, INTERVAL) for folder, receipt, _ in scored[:TOLD_SEEDS]]
        known = [one for one in found if one is not None]
        if not known or len(known) < len(found) or len({one.images for one in known}) > 1:
            return None
        values = np.array([value for *_, value in scored])
        measured, drawn = float(values[:TOLD_SEEDS].mean()), np.mean([one.drawn for one in known], axis=0)
        interval = image_interval(measured, drawn, np.mean([one.jackknife for one in known], axis=0))
        # The mean of all lies elsewhere; how images move it, the first ones tell.
        shift = float(values.mean()) - measured
        return None if interval is None else (interval[0] + shift, interval[1] + shift)

    def known(self, metric: str) -> Spread | None:
        if metric not in self._known:
            groups: dict[tuple, list[float]] = {}
            for _, receipt in chain.from_iterable(self.finished.values()):
                if (value := run_value(metric, receipt)) is not None:
                    # How far two devices differ is no spread over seeds.
                    kind = comparable.kind_of(metric, self.made[receipt.id])
                    groups.setdefault((receipt.experiment, kind), []).append(value)
            self._known[metric] = pooled_spread(list(groups.values()))
        return self._known[metric]

    def sample(self, key: Key) -> Sample:
        if key not in self._samples:
            self._samples[key] = self._sample(key)
        return self._samples[key]

    def _sample(self, key: Key) -> Sample:
        metric, name, reference = key
        runs = self.runs.get(name, [])
        finished = self.finished.get(name, [])
        evidence = tuple(receipt.id for _, receipt in finished or runs)
        if not finished:
            floor = _floor(runs) if metric == 'train_memory_gb' else None
            return Sample(name, metric, runs=evidence, floor=floor, **_obstacle(name, runs))
        found = {receipt.seed: self._value(metric, folder, receipt, reference) for folder, receipt in finished}
        values = {seed: value for seed, value in found.items() if value is not None}
        if not values:
            reason = f'the {metric} of {name} was not recorded'
            if metric in run_values.TIMED and any(run_values.shared(receipt) for _, receipt in finished):
                reason = f'{name} was only timed while others shared the device'
            return Sample(name, metric, runs=evidence, obstacle='not measured', reason=reason)
        resampled, freedom = self._resample(metric, finished)
        errors = {r.seed: run_values.latency_error(r.latency) for _, r in finished if metric == 'latency_ms'}
        return Sample(
            name,
            metric,
            values,
            replicates={seed: resampled[seed] for seed in resampled if seed in values},
            image_freedom=freedom,
            errors={seed: error for seed, error in errors.items() if error is not None},
            conditions={receipt.seed: self.made[receipt.id] for _, receipt in finished},
            exact=metric.startswith(RATIO) and self._saw_all(finished),
            runs=evidence,
            precise=self._precise(finished) if metric == 'miou' else {},
            lacking=next(filter(None, (lacking_weights(one, self.by_seed) for _, one in finished)), ''),
        )

    @staticmethod
    def _precise(runs: Iterable[Stored]) -> dict[int, float]:
        found = {receipt.seed: run_values.precise_miou(receipt) for _, receipt in runs}
        return {seed: miou for seed, miou in found.items() if miou is not None}

    def _value(self, metric: str, folder: Path, receipt: Receipt, reference: str) -> float | None:
        if metric.startswith(RATIO):
            return self._scored(folder, receipt).pixel_ratio(metric)
        if metric in DETAIL:
            return self._scored(folder, receipt).detail(metric)
        if metric in curve_values.REFERRED:
            others = [where for where, other in self.finished.get(reference, []) if other.seed == receipt.seed]
            own = curve_values.read(folder / curve_values.FILE)
            other = curve_values.read(others[0] / curve_values.FILE) if others else None
            return curve_values.REFERRED[metric](own, other) if own and other else None
        if metric in curve_values.CURVE_METRICS:
            own = curve_values.read(folder / curve_values.FILE)
            return curve_values.value(metric, own) if own else None
        return run_value(metric, receipt)

    def _resample(self, metric: str, runs: Sequence[Stored]) -> tuple[dict[int, Any], float]:
        """Return the metric on resampled images by seed; none for smoke, whose scores are no evidence anyway."""
        if self.setting.smoke or not follows_from_images(metric):
            return {}, float('inf')
        found = {receipt.seed: self._replicates_of(folder, receipt, metric) for folder, receipt in runs}
        known = {seed: one for seed, one in found.items() if one is not None}
        freedom = min((one.freedom for one in known.values()), default=0.0)
        return {seed: one.drawn for seed, one in known.items()}, freedom

    def _replicates_of(self, folder: Path, receipt: Receipt, metric: str) -> Replicates | None:
        if (folder, metric) not in self._replicates:
            self._replicates[folder, metric] = self._scored(folder, receipt).replicates(metric)
        return self._replicates[folder, metric]

    def _scored(self, folder: Path, receipt: Receipt) -> ScoredImages:
        if folder not in self._images:
            self._images[folder] = ScoredImages(folder, receipt.dataset, _classes(receipt))
        return self._images[folder]

    def _saw_all(self, runs: Sequence[Stored]) -> bool:
        """Return whether the whole training split was scored, so that its pixels are counted and not estimated."""
        folder, receipt = runs[0]
        images = ((receipt.data or {}).get('images') or {}).get('train')
        return images == self._scored(folder, receipt).images('train')


def _classes(receipt: Receipt) -> tuple[str, ...]:
    return tuple((receipt.metrics or {}).get('per_class_iou') or ())


def _finished(runs: Iterable[Stored]) -> list[Stored]:
    return [stored for stored in runs if stored[1].status == 'ok']


def _obstacle(name: str, runs: Sequence[Stored]) -> dict[str, Any]:
    """Return why an experiment without a finished run says nothing."""
    failed = [receipt for _, receipt in runs if receipt.status not in UNTRIED]
    answer: Answer = 'failed' if failed else 'not measured'
    if failed:
        return {
            'obstacle': answer,
            'reason': f'{name} ended with {failed[0].status}: {failed[0].reason or "no reason"}',
        }
    told = f'{name} has no finished run: {runs[0][1].status}' if runs else f'{name} did not run in this setting'
    return {'obstacle': answer, 'reason': told}


def _floor(runs: Sequence[Stored]) -> float | None:
    """Return the least memory that was not enough for any of ``runs``; None where one ended for another reason."""
    floors = [run_values.memory_floor(receipt) for _, receipt in runs if receipt.status not in UNTRIED]
    known = [floor for floor in floors if floor is not None]
    return min(known) if known and len(known) == len(floors) else None


def _device(receipt: Receipt) -> str:
    return str((receipt.environment or {}).get('device') or (receipt.latency or {}).get('device') or 'cpu')
