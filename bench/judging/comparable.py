"""Which runs may be compared in what: scores after one share of the documented training, costs on one device. Pure.

A budget keeps the documented ratio of two trainings only as long as neither falls below its least number of steps;
from there on the shorter one gets more than its share, and a comparison would be about that.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from math import ceil, floor, log10
from statistics import fmean
from typing import Any

from bench.judging import words
from bench.judging.run_values import COUNTED, MEMORY, SPLIT, TIMED
from bench.judging.samples import Conditions, Sample
from bench.judging.scored_images import RATIO
from bench.records import Receipt

UNEQUAL = 1.1
"""From this ratio of two shares on, the trainings are no longer those that were documented."""

PRECISE_ASIDE = 2.0
"""From this many points on it is told how batch norm's statistics move a difference: seeds alone explain less."""

Block = Mapping[str, Any]


def conditions_of(run: Receipt, documented_epochs: float | None) -> Conditions:
    """Return how a run was made; ``documented_epochs`` are those of all stages, None where they are not known."""
    train = run.train or {}
    trained = train.get('epochs')
    parts = [stage.get('accumulate') for stage in (train, *train.get('stages', ()))]
    return replace(
        apparatus(run.environment or {}, run.latency or {}),
        share=trained / documented_epochs if trained and documented_epochs else None,
        parts=max((one for one in parts if one), default=1),
    )


def apparatus(environment: Block, latency: Block, device: str = '') -> Conditions:
    """Return what something was measured on, from the blocks of a receipt or of a timing on ``device``."""
    kind = str(environment.get('device') or latency.get('device') or device or 'cpu').split(':')[0]
    name = environment.get('device_name') or latency.get('device_name')
    threads = environment.get('threads') or latency.get('threads')
    return Conditions(device=str(name or kind), processor=str(environment.get('cpu') or ''), threads=threads)


def on_what(made: Conditions) -> str:
    """Name the device, its processor and the threads, as far as they are known."""
    processor = made.processor or made.device
    parts = [processor if made.device == 'cpu' else f'{made.device} on {processor}'.removesuffix(f' on {made.device}')]
    if made.threads is not None:
        parts.append(f'{made.threads} thread{"s" * (made.threads != 1)}')
    return ', '.join(parts)


def kind_of(metric: str, made: Conditions) -> tuple:
    """Return what runs must share, beside their share of the training, for ``metric`` to mean the same of both."""
    device: tuple = ()
    if metric in TIMED:
        device = made.device, made.processor, made.threads
    elif metric in MEMORY:
        device = (made.device,)
    return (*device, made.parts) if metric in SPLIT else device


def matched(metric: str, of: Sample, other: Sample, beside: Sequence[Sample] = ()) -> tuple[Sample, Sample, str]:
    """Return two samples with those seeds that may be compared; the reason, where there is none, else an empty one.

    Args:
        beside: what else the same check compares with; a budget that is told to do is enough for it as well.
    """
    most = max((made.share or 0.0 for one in (of, other, *beside) for made in one.conditions.values()), default=0.0)
    seeds = sorted(set(of.values) & set(other.values))
    reasons = {seed: conflict(metric, _made(seed, of, other), most) for seed in seeds}
    fitting = {seed for seed in seeds if not reasons[seed]}
    if seeds and not fitting:
        return of, other, reasons[seeds[0]]
    if len(fitting) == len(seeds):
        return of, other, ''
    return _only(of, fitting), _only(other, fitting), ''


def all_matched(metric: str, samples: Sequence[Sample]) -> str:
    """Return why ``samples`` cannot be put in one order; empty where they can."""
    return conflict(metric, [(one.experiment, made) for one in samples for made in one.conditions.values()])


def conflict(metric: str, made: Sequence[tuple[str, Conditions]], most: float = 0.0) -> str:
    """Return why ``metric`` of experiments made like this cannot be compared; empty where it can.

    The budget that it names keeps all trainings within the largest of their shares and ``most``.
    """
    for (name, first), (other, second) in ((made[0], one) for one in made[1:]):
        if kind_of(metric, first) != kind_of(metric, second):
            return _unlike(metric, name, first, other, second)
    if not is_trained(metric):
        return ''
    shares = sorted(((one.share, name) for name, one in made if one.share is not None), reverse=True)
    if not shares or shares[0][0] <= UNEQUAL * shares[-1][0]:
        return ''
    (more, longer), (less, shorter) = shares[0], shares[-1]
    return (
        f'the training of {_short(longer)} has {100 * more:.3g} % of its documented epochs and that of '
        f'{_short(shorter)} {100 * less:.3g} %: the budget is too small to keep the documented ratio of trainings; '
        f'{_would_do(max(more, most))} would do'
    )


def split_aside(metric: str, of: Sample, other: Sample) -> str:
    """Return what to say of trained scores whose batches were split differently; empty where there is nothing."""
    parts = [max((made.parts for made in one.conditions.values()), default=1) for one in (of, other)]
    if not is_trained(metric) or parts[0] == parts[1]:
        return ''
    told = ' and '.join(f'that of {_short(one.experiment)} in {n}' for one, n in zip((of, other), parts, strict=True))
    return f'; batches were split, {told}: batch norm, where there is any, saw parts of different sizes'


def precise_aside(of: Sample, other: Sample) -> str:
    """Return what becomes of a difference of scores with batch norm's statistics estimated anew.

    Empty where these move it by fewer than ``PRECISE_ASIDE`` points, or were not scored of both from one seed.
    """
    seeds = of.values.keys() & other.values.keys() & of.precise.keys() & other.precise.keys()
    if not seeds:
        return ''
    own = fmean(of.values[seed] - other.values[seed] for seed in seeds)
    precise = fmean(of.precise[seed] - other.precise[seed] for seed in seeds)
    if abs(precise - own) < PRECISE_ASIDE:
        return ''
    return f'; with precise batch norm it is {precise:.3g} instead of {own:.3g} points over {words.count(len(seeds))}'


def whole_batches(metric: str, of: Sample) -> str:
    """Return why a training's cost cannot be held against a documented number; empty where it can."""
    parts = max((made.parts for made in of.conditions.values()), default=1)
    if metric not in SPLIT or parts == 1:
        return ''
    return f'the batch of {_short(of.experiment)} was split in {parts}, and a documented cost is that of whole ones'


def is_trained(metric: str) -> bool:
    """Return whether ``metric`` depends on how long was trained: all but counts, times, memory and labels do."""
    return metric not in COUNTED | TIMED | MEMORY and not metric.startswith(RATIO)


def _made(seed: int, *samples: Sample) -> list[tuple[str, Conditions]]:
    return [(one.experiment, one.conditions[seed]) for one in samples if seed in one.conditions]


def _only(sample: Sample, seeds: Iterable[int]) -> Sample:
    kept = {seed: sample.values[seed] for seed in sorted(seeds)}
    return replace(sample, values=kept)


def _unlike(metric: str, name: str, first: Conditions, other: str, second: Conditions) -> str:
    told = f'the {metric} of {_short(name)}'
    if kind_of(metric, replace(first, parts=second.parts)) != kind_of(metric, second):
        where = f'on {on_what(first)} and that of {_short(other)} on {on_what(second)}'
        return f'{told} was measured {where}, which cannot be compared'
    where = f'in batches split in {first.parts} and that of {_short(other)} in batches split in {second.parts}'
    return f'{told} was measured {where}, which cannot be compared'


def _would_do(share: float) -> str:
    """Name the least budget that gives every training no more than ``share``."""
    if share >= 1:
        return 'the full budget'
    # Two digits, rounded up.
    unit = 10 ** (floor(log10(share)) - 1)
    return f'a budget factor of {ceil(share / unit - 1e-9) * unit:.2g}'


def _short(experiment: str) -> str:
    return experiment.split('/', 1)[-1]
