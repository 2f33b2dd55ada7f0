"""One statement about one or two experiments, against what was measured of them. Pure.

Two experiments are compared on the same images from the same seeds: what both have in common cancels.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import exp, inf, isfinite, log, sqrt

import numpy as np

from bench.claims import NEVER, Check
from bench.judging import uncertainty, words
from bench.judging.resampling import image_error
from bench.judging.samples import Sample
from bench.judging.uncertainty import ALPHA, ROUNDING, Estimate, Spread

ABSOLUTE = frozenset({'value', 'at_least', 'at_most'})
"""Relations to a documented number, as opposed to another experiment."""

RATIOS = frozenset({'ratio', 'ratio_at_least'})
"""Relations to one other experiment that are judged on logarithms."""

ORDER_DRAWS = 20_000


@dataclass(frozen=True)
class Outcome:
    """What one statement came to.

    ``effect`` with its interval [``low``, ``high``] (None: not known); ``holds`` is the p-value of the statement and
    ``fails`` that of its opposite, each believed at ``ALPHA``. ``needed`` says how many seeds would settle it at a
    given alpha, ``NEVER`` where more alone would not, None where their spread is not known. ``phrase`` is the
    measurement in words, ``claimed`` what it should be.
    """

    effect: float
    low: float | None
    high: float | None
    holds: float
    fails: float
    seeds: int
    phrase: str
    claimed: str
    needed: Callable[[float], int | None]


def compare(check: Check, of: Sample, other: Sample, usual: Spread | None, unit: str) -> Outcome | None:
    """Return what ``greater``, ``less``, ``equal`` or one of ``RATIOS`` came to; None where no seed ran for both."""
    ratio = check.relation in RATIOS
    measured = _paired(of, other, usual, log if ratio else float)
    if measured is None:
        return None
    shown = measured.effect, *measured.interval()
    if ratio:
        effect, low, high = (exp(min(value, 700.0)) if isfinite(value) else value for value in shown)
        # Not by way of the logarithm where nothing else is uncertain: 60 over 10 is 6.
        shown = (effect, low, high) if measured.error else (_only(of) / _only(other),) * 3
    verb = 'over that of' if ratio else 'minus that of'
    seeds = _seeds(of, other)
    told = words.told(shown, '' if ratio else words.difference_unit(unit), _basis(measured, of, other))
    phrase = f'the {words.metric(check)} of {words.experiment(of)} {verb} {words.experiment(other)} is {told}'
    return _outcome(check, measured, shown, seeds, phrase, unit)


def against_number(check: Check, of: Sample, usual: Spread | None, unit: str) -> Outcome:
    """Return what ``value``, ``at_least`` or ``at_most`` came to."""
    measured, seeds = _mean(of, usual), _seeds(of)
    if check.relation == 'value' and measured.deviation:
        return _against_one_run(check, of, measured, unit)
    shown = measured.effect, *measured.interval()
    printed = 'printed ' if of.printed else ''
    told = words.told(shown, unit, _basis(measured, of))
    phrase = f'the {printed}{words.metric(check)} of {words.experiment(of)} is {told}'
    outcome = _outcome(check, measured, shown, seeds, phrase, unit)
    if check.relation == 'value' and measured.error:
        # One run cannot say how far the next would lie from it: it can speak against a number, not for it.
        return replace(outcome, holds=1.0)
    return outcome


def beyond(check: Check, of: Sample, unit: str) -> Outcome:
    """Return what ``at_least`` came to where no run was finished for want of what is measured: a bound from below."""
    floor, (value, _, claimed) = of.floor or 0.0, _bounds(check, unit)
    device = f', more than the {words.number(floor)} {unit} of its device' if floor else ' on a device of unknown size'
    phrase = f'{words.experiment(of)} ran out of memory{device}'
    return Outcome(floor, floor, None, float(floor < value), 1.0, len(of.runs), phrase, claimed, lambda alpha: None)


def in_order(check: Check, samples: Sequence[Sample], usual: Spread | None) -> Outcome:
    """Return how far the measured order agrees with the claimed one: Kendall's tau with its interval.

    The interval is that of orders drawn anew: images resampled for all experiments alike, seeds each for itself.
    """
    least = check.value if check.value is not None else 1.0
    estimates = [_mean(sample, usual) for sample in samples]
    tau = float(uncertainty.order_agreement(np.array([one.effect for one in estimates])))
    seeds, low, high = _seeds(*samples), -inf, inf
    holds = fails = 1.0
    if all(sample.exact for sample in samples):
        low = high = tau
        holds, fails = float(tau < least), float(tau >= least)
    elif all(isfinite(one.error) for one in estimates):
        drawn = uncertainty.order_agreement(_draw_means(samples, estimates))
        low, high = (float(end) for end in np.quantile(drawn, [ALPHA, 1 - ALPHA]))
        below = np.count_nonzero(drawn < least - 1e-9)
        holds, fails = (1 + below) / (1 + drawn.size), (1 + drawn.size - below) / (1 + drawn.size)
    told = words.told((tau, low, high), '', words.count(seeds))
    phrase = f"Kendall's tau between the claimed and the measured order is {told}"
    claimed = f'from {words.number(least)} on it is the claimed order'
    return Outcome(tau, _finite(low), _finite(high), holds, fails, seeds, phrase, claimed, lambda alpha: None)


def _paired(of: Sample, other: Sample, usual: Spread | None, scale: Callable[[float], float]) -> Estimate | None:
    if of.exact and other.exact and (scale is not log or min(_only(of), _only(other)) > 0):
        return Estimate(scale(_only(of)) - scale(_only(other)))
    seeds = sorted(set(of.values) & set(other.values))
    if not seeds:
        return None
    pairs = [(of.values[seed], other.values[seed]) for seed in seeds]
    if scale is log and min(min(pair) for pair in pairs) <= 0:
        return Estimate(0.0, inf)
    error, freedom = _own_error([of, other], seeds, scale)
    # A difference of two has the spread of both.
    usual = Spread(usual.deviation * sqrt(2), usual.freedom) if usual and scale is not log else None
    return _estimate([scale(a) - scale(b) for a, b in pairs], error, freedom, usual)


def _mean(of: Sample, usual: Spread | None) -> Estimate:
    if of.exact:
        return Estimate(_only(of))
    seeds = sorted(of.values)
    error, freedom = _own_error([of], seeds, float)
    return _estimate([of.values[seed] for seed in seeds], error, freedom, usual)


def _estimate(values: Sequence[float], error: float, freedom: float, usual: Spread | None) -> Estimate:
    measured = uncertainty.estimate(values, error, freedom, usual)
    # What shows no spread, where none is known, is not exact: it may be off by anything.
    return measured if measured.error else Estimate(measured.effect, inf)


def _own_error(samples: Sequence[Sample], seeds: Sequence[int], scale: Callable[[float], float]) -> tuple[float, float]:
    """Return the standard error, and its degrees of freedom, that remains however many seeds: images or timing.

    0 where one of the samples does not know its own.
    """
    if _resampled(samples, seeds):
        first, *others = (_stacked(sample.replicates, seeds, scale) for sample in samples)
        difference = first - others[0] if others else first
        return image_error(difference), min(sample.image_freedom for sample in samples)
    if not all(seed in sample.errors for sample in samples for seed in seeds):
        return 0.0, inf
    squares = 0.0
    for sample in samples:
        for seed in seeds:
            size = abs(sample.values[seed]) if scale is log else 1.0
            squares += (sample.errors[seed] / size) ** 2
    return sqrt(squares) / len(seeds), inf


def _resampled(samples: Sequence[Sample], seeds: Sequence[int]) -> bool:
    return all(seed in sample.replicates for sample in samples for seed in seeds)


def _stacked(replicates: Mapping[int, np.ndarray], seeds: Sequence[int], scale: Callable[[float], float]) -> np.ndarray:
    """Return the replicates of ``seeds`` [S, R]."""
    stacked = np.stack([replicates[seed] for seed in seeds])
    return np.log(np.where(stacked > 0, stacked, np.nan)) if scale is log else stacked


def _bounds(check: Check, unit: str) -> tuple[float, float, str]:
    """Return the interval that a true effect lies in (open where infinite) and the claim in words."""
    margin, value = check.margin or 0.0, check.value if check.value is not None else 0.0
    match check.relation:
        case 'greater':
            return margin, inf, f'more than {words.number(margin)} is claimed'
        case 'less':
            return -inf, -margin, f'less than {words.number(-margin if margin else 0.0)} is claimed'
        case 'equal':
            return -margin, margin, f'at most {words.number(margin)} either way is claimed'
        case 'ratio':
            low, high = value * (1 - margin), value * (1 + margin)
            claimed = f'{words.number(value)} within {100 * margin:g} % is claimed'
            return log(low) if low > 0 else -inf, log(high), claimed
        case 'ratio_at_least':
            return log(value), inf, f'at least {words.number(value)} is claimed'
        case 'at_least':
            return value, inf, f'at least {words.number(value)} is claimed'
        case 'at_most':
            return -inf, value, f'at most {words.number(value)} is claimed'
    about = f'{words.number(value)} {unit} is to be expected, give or take {words.number(margin)}'
    return value - margin, value + margin, about


def _outcome(
    check: Check, measured: Estimate, shown: tuple[float, float, float], seeds: int, phrase: str, unit: str
) -> Outcome:
    low, high, claimed = _bounds(check, unit)
    if measured.error == 0:
        # "More than 0" is not true of 0; "at least" is, whatever rounding left.
        slack = -ROUNDING if check.relation in ('greater', 'less') else ROUNDING
        slack *= max(1.0, abs(measured.effect))
        inside = low - slack < measured.effect < high + slack
        holds, fails = float(not inside), float(inside)
    elif isfinite(low) and isfinite(high):
        holds, fails = measured.p_within(low, high), measured.p_outside(low, high)
    elif isfinite(low):
        holds, fails = measured.p_above(low), measured.p_below(low)
    else:
        holds, fails = measured.p_below(high), measured.p_above(high)
    distance = min(abs(measured.effect - bound) for bound in (low, high) if isfinite(bound))

    def needed(alpha: float) -> int | None:
        if measured.deviation is None:
            return None
        wanted = uncertainty.seeds_to_decide(distance, measured.deviation, measured.image_error, alpha)
        # What images weigh is told apart from what this seed made of them by a second one only.
        return None if wanted is None and seeds == 1 else _or_never(wanted)

    ends = _finite(shown[1]), _finite(shown[2])
    return Outcome(shown[0], *ends, holds, fails, seeds, phrase, claimed, needed)


def _against_one_run(check: Check, of: Sample, measured: Estimate, unit: str) -> Outcome:
    """Compare a documented number, which is one run, with where one more run of ours would lie."""
    deviation, seeds = measured.deviation or 0.0, len(of.values)
    half = uncertainty.prediction_half_width(deviation, seeds, measured.seed_freedom)
    margin, value = check.margin or 0.0, check.value if check.value is not None else 0.0
    gap = abs(value - measured.effect)
    one_more = Estimate(measured.effect, deviation * sqrt(1 + 1 / seeds), measured.seed_freedom)
    low, high = measured.effect - half, measured.effect + half
    # Of one more run on the same images: which images there are says nothing of it.
    rests = words.basis(measured, seeds, images=False) if measured.borrowed else words.count(seeds)
    told = f'{words.number(measured.effect)} {unit}, one more run between {words.number(low)} and {words.number(high)}'
    return Outcome(
        measured.effect,
        low,
        high,
        # One run, whose spread is that of others, can speak against a number and not for it.
        holds=0.0 if seeds > 1 and gap <= half <= margin else 1.0,
        fails=min(one_more.p_below(value), one_more.p_above(value)) if gap > margin else 1.0,
        seeds=seeds,
        phrase=f'the {words.metric(check)} of {words.experiment(of)} is {told} (95 %, {rests})',
        claimed=_bounds(check, unit)[2],
        needed=lambda alpha: _or_never(uncertainty.seeds_to_predict(deviation, margin if gap <= margin else gap)),
    )


def _or_never(seeds: int | None) -> int:
    return NEVER if seeds is None else seeds


def _draw_means(samples: Sequence[Sample], estimates: Sequence[Estimate]) -> np.ndarray:
    """Return means [draws, n] of ``n`` samples as other images and other seeds would have given them."""
    generator = np.random.default_rng(0)
    resamples = min((array.size for sample in samples for array in sample.replicates.values()), default=1)
    images = generator.integers(0, resamples, ORDER_DRAWS)
    columns = []
    for sample, measured in zip(samples, estimates, strict=True):
        column = np.full(ORDER_DRAWS, measured.effect)
        if sample.replicates and measured.image_error:
            mean = _stacked(sample.replicates, sorted(sample.values), float).mean(axis=0)
            column += np.nan_to_num(mean - np.nanmean(mean))[images]
        else:
            column += measured.image_error * generator.standard_normal(ORDER_DRAWS)
        column += measured.seed_error * generator.standard_t(min(measured.seed_freedom, 1e9), ORDER_DRAWS)
        columns.append(column)
    return np.stack(columns, axis=1)


def _seeds(*samples: Sample) -> int:
    """Return how many seeds are common to ``samples``; 0 for what is exact."""
    if all(sample.exact for sample in samples):
        return 0
    return len(set.intersection(*(set(sample.values) for sample in samples)))


def _only(exact: Sample) -> float:
    return next(iter(exact.values.values()))


def _finite(value: float) -> float | None:
    return value if isfinite(value) else None


def _basis(measured: Estimate, *samples: Sample) -> str:
    seeds = sorted(set.intersection(*(set(sample.values) for sample in samples)))
    return words.basis(measured, len(seeds), _resampled(samples, seeds))
