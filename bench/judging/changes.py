"""Two folders of results -> what changed between them, by how much and against which noise. Pure but for matrices.

Runs are matched by experiment, setting and seed, so that images and seeds that both sides share cancel: the paired
image bootstrap where both stored confusion matrices, the spread over seeds otherwise.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import isfinite
from pathlib import Path

from bench.claims import Check
from bench.judging import comparisons, uncertainty
from bench.judging.places import RunPlace, run_places
from bench.judging.samples import Sample
from bench.records import Receipt

Stored = tuple[Path, Receipt]

METRICS = {
    'miou': ('percent', 0.0),
    'latency_ms': ('ms', 0.05),
    'inference_memory_gb': ('GB', 0.05),
    'train_memory_gb': ('GB', 0.05),
}
"""What is compared: unit, and the share of the old value up to which a change is never more than noise. Times and
memory differ by that much between two processes on one machine, however exactly each was measured."""


@dataclass(frozen=True)
class Change:
    """One metric of one experiment in one setting, or a run's status where ``metric`` is ``status``.

    ``effect`` is after less before with its 95 % interval (None: noise unknown). ``noise`` names what it was held
    against; ``chance`` is the two-sided p-value after Holm's correction for all that was compared.
    """

    experiment: str
    setting: str
    metric: str
    before: str
    after: str
    effect: float | None = None
    low: float | None = None
    high: float | None = None
    unit: str = ''
    seeds: int = 0
    noise: str = ''
    chance: float | None = None
    beyond_noise: bool = False


@dataclass(frozen=True)
class Comparison:
    """All that changed, how many runs both sides have, and those that only one has."""

    changes: tuple[Change, ...]
    common: int
    only_before: tuple[str, ...]
    only_after: tuple[str, ...]


def compare(before: Iterable[Stored], after: Iterable[Stored]) -> Comparison:
    """Compare every run that both sides have; smoke runs by their status alone, because their scores say nothing."""
    old, new = list(before), list(after)
    names = {receipt.id for _, receipt in old}, {receipt.id for _, receipt in new}
    elsewhere = _other_data(old, new)
    common = (names[0] & names[1]) - {change.experiment + '/' + change.setting for change in elsewhere}
    statuses = _statuses(old, new, common)
    old = [stored for stored in old if stored[1].id in common]
    new = [stored for stored in new if stored[1].id in common]
    sides = [{place.setting: place for place in run_places(side, {})} for side in (old, new)]
    measured: list[Change] = []
    for setting, place in sides[0].items():
        if setting in sides[1] and not setting.smoke:
            measured += _measured(place, sides[1][setting])
            sides[1][setting].forget()
        place.forget()
    alone = [tuple(sorted(side - (names[0] & names[1]))) for side in names]
    return Comparison((*elsewhere, *statuses, *_corrected(measured)), len(common), *alone)


def _other_data(old: Sequence[Stored], new: Sequence[Stored]) -> list[Change]:
    """Return the runs that were made on other files on each side: nothing else of them is compared."""
    present = {receipt.id: _manifest(receipt) for _, receipt in new}
    found = []
    for _, receipt in old:
        before, after = _manifest(receipt), present.get(receipt.id, '')
        if before and after and before != after:
            setting = receipt.id.removeprefix(f'{receipt.experiment}/')
            told = before[:8], after[:8]
            found.append(Change(receipt.experiment, setting, 'data', *told, noise='none', beyond_noise=True))
    return found


def _manifest(receipt: Receipt) -> str:
    return str((receipt.data or {}).get('manifest') or '')


def _statuses(old: Sequence[Stored], new: Sequence[Stored], common: set[str]) -> list[Change]:
    """Return the runs that ended otherwise; whatever the noise, one that no longer works has changed."""
    present = {receipt.id: receipt for _, receipt in new}
    found = []
    for _, receipt in old:
        if receipt.id in common and receipt.status != present[receipt.id].status:
            setting = receipt.id.removeprefix(f'{receipt.experiment}/')
            told = receipt.status, present[receipt.id].status
            found.append(Change(receipt.experiment, setting, 'status', *told, noise='none', beyond_noise=True))
    return found


def _measured(before: RunPlace, after: RunPlace) -> list[Change]:
    found = []
    for metric, (unit, least) in METRICS.items():
        usual = uncertainty.pooled_spread(
            [list(one.values()) for place in (before, after) for one in _values(place, metric)]
        )
        for name in before.runs:
            old, new = (place.sample((metric, name, '')) for place in (before, after))
            # The difference is claimed to be above nothing: its interval is what is wanted.
            check = Check(metric, 'greater', name, (name,))
            outcome = None if old.obstacle or new.obstacle else comparisons.compare(check, new, old, usual, unit)
            if outcome is None:
                continue
            seeds = sorted(set(old.values) & set(new.values))
            base = _mean(old, seeds)
            change = Change(
                name,
                before.setting.label,
                metric,
                f'{base:.4g}',
                f'{_mean(new, seeds):.4g}',
                outcome.effect,
                outcome.low,
                outcome.high,
                unit,
                outcome.seeds,
                _noise(old, new, seeds, usual is not None, least),
                min(1.0, 2 * min(outcome.holds, outcome.fails)) if outcome.effect else 1.0,
            )
            # Too small to matter, whatever the chance: not a change.
            found.append(replace(change, chance=1.0) if abs(outcome.effect) <= least * abs(base) else change)
    return found


def _values(place: RunPlace, metric: str) -> Iterable[Mapping[int, float]]:
    return (place.sample((metric, name, '')).values for name in place.runs)


def _mean(sample: Sample, seeds: Sequence[int]) -> float:
    return sum(sample.values[seed] for seed in seeds) / len(seeds)


def _noise(old: Sample, new: Sample, seeds: Sequence[int], spread_known: bool, least: float) -> str:
    """Name what the difference was held against."""
    parts = []
    if all(seed in side.replicates for side in (old, new) for seed in seeds):
        parts.append('images')
    if all(seed in side.errors for side in (old, new) for seed in seeds):
        parts.append('timing')
    if len(seeds) > 1 or spread_known:
        parts.append('seeds')
    if least:
        parts.append(f'{100 * least:g} % between processes')
    return ', '.join(parts) or 'unknown'


def _corrected(changes: Sequence[Change]) -> list[Change]:
    """Return the changes with p-values that allow for how many there are."""
    adjusted = uncertainty.adjusted([1.0 if change.chance is None else change.chance for change in changes])
    level = 1 - uncertainty.LEVEL
    return [
        replace(change, chance=float(chance), beyond_noise=bool(chance <= level and isfinite(change.effect or 0.0)))
        for change, chance in zip(changes, adjusted, strict=True)
    ]
