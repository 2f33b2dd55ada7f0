"""How far measured values can be trusted: intervals, tests of a difference, of equality, of many claims. Pure.

S seeds. Every interval is two-sided at ``LEVEL``; a statement is believed where its one-sided p-value is at most
``ALPHA``, so that belief and interval always agree.
"""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from math import exp, hypot, inf, isinf, log, sqrt
from typing import Literal

import numpy as np
from scipy import special

# The rest of scipy takes a second to import, for nothing where no runs are to be compared.

LEVEL = 0.95
ALPHA = (1 - LEVEL) / 2
ROUNDING = 1e-9
"""Difference between values, as a share of the larger or of 1, that counts as none."""
Correction = Literal['holm', 'bh']
# Beyond this many degrees of freedom Student's t is the normal distribution to every digit shown.
_MANY = 1e9


@dataclass(frozen=True)
class Spread:
    """Standard deviation over seeds and the degrees of freedom it was estimated with."""

    deviation: float
    freedom: float


@dataclass(frozen=True)
class Estimate:
    """A value with the standard errors that seeds and images leave, each with its degrees of freedom.

    Both errors 0 stand for an exact value. Quantiles of the sum of the two are those of Student's t for either, each
    weighted with its variance (Cochran & Cox 1957, "Experimental Designs"): Welch's approximation and resampling of
    two or three seeds make intervals that are too short. In simulated studies of two to five seeds these cover 95 to
    97 %, a little more than they say, where Welch's cover 89 to 95 %. ``deviation`` over seeds is None where it is not
    known; ``borrowed`` says that it was seen elsewhere.
    """

    effect: float
    seed_error: float = 0.0
    seed_freedom: float = inf
    image_error: float = 0.0
    image_freedom: float = inf
    deviation: float | None = None
    borrowed: bool = False

    @property
    def error(self) -> float:
        return hypot(self.seed_error, self.image_error)

    def half_width(self, share: float) -> float:
        """Return how far the ``share`` quantile lies above the effect."""
        if not self.error or isinf(self.error):
            return self.error
        seeds, images = quantile(share, self.seed_freedom), quantile(share, self.image_freedom)
        return (seeds * self.seed_error**2 + images * self.image_error**2) / self.error

    def interval(self, level: float = LEVEL) -> tuple[float, float]:
        """Return the two-sided interval."""
        half = self.half_width(0.5 + level / 2)
        return self.effect - half, self.effect + half

    def p_above(self, bound: float) -> float:
        """Return the p-value of "the value is above ``bound``": small where the data say so."""
        if not self.error:
            return 0.0 if self.effect > bound else 1.0
        tail = self._tail(abs(self.effect - bound))
        return tail if self.effect > bound else 1 - tail

    def p_below(self, bound: float) -> float:
        """Return the p-value of "the value is below ``bound``"."""
        if not self.error:
            return 0.0 if self.effect < bound else 1.0
        return 1 - self.p_above(bound) if self.effect >= bound else self._tail(bound - self.effect)

    def p_within(self, low: float, high: float) -> float:
        """Return the p-value of "the value lies in [``low``, ``high``]": two one-sided tests (TOST).

        Source: Schuirmann 1987, doi:10.1007/BF01068419.
        """
        if not self.error:
            return 0.0 if low <= self.effect <= high else 1.0
        return max(self.p_above(low), self.p_below(high))

    def p_outside(self, low: float, high: float) -> float:
        """Return the p-value of "the value lies outside [``low``, ``high``]"."""
        return min(self.p_below(low), self.p_above(high))

    def _tail(self, distance: float) -> float:
        """Return the share beyond ``distance`` on one side: the inverse of ``half_width``."""
        if isinf(self.error):
            return 0.5
        if not self.image_error or not self.seed_error:
            freedom = self.seed_freedom if self.seed_error else self.image_freedom
            return float(special.stdtr(min(freedom, _MANY), -distance / self.error))
        from scipy.optimize import brentq

        # In logarithms, because what matters are small shares; below 1e-100 the library's quantiles fail.
        least = log(1e-100)
        if distance >= -self.half_width(exp(least)):
            return 0.0
        return exp(brentq(lambda share: self.half_width(exp(share)) + distance, least, log(0.5), xtol=1e-9))


def quantile(share: float, freedom: float) -> float:
    """Return the ``share`` quantile of Student's t."""
    return float(special.stdtrit(min(freedom, _MANY), share))


def estimate(
    values: Sequence[float],
    image_error: float = 0.0,
    image_freedom: float = inf,
    usual: Spread | None = None,
) -> Estimate:
    """Return the mean of ``values`` with the error that seeds and images leave, as if both were drawn anew.

    Args:
        values: one a seed; paired differences for two models.
        image_error: standard error of the mean from the choice of images, see ``resampling.image_error``.
        image_freedom: independent blocks of images less one.
        usual: spread over seeds seen elsewhere, used where the values show none of their own: a single one, or equal
            ones, as networks have that predict one class whatever the seed; without it they are taken to have none.

    Raises:
        ValueError: there is no value.
    """
    count = len(values)
    if not count:
        raise ValueError('values is empty; an estimate needs the value of at least one seed')
    mean, size = float(np.mean(values)), max(1.0, float(np.abs(values).max()))
    image_error = image_error if image_error > ROUNDING * size else 0.0
    own = float(np.std(values, ddof=1)) if count > 1 else 0.0
    borrowed = own <= ROUNDING * size
    spread = usual if borrowed else Spread(own, count - 1)
    if spread is None or not spread.deviation:
        return Estimate(mean, image_error=image_error, image_freedom=image_freedom)
    seed_error = spread.deviation / sqrt(count)
    return Estimate(mean, seed_error, spread.freedom, image_error, image_freedom, spread.deviation, borrowed)


def pooled_spread(groups: Sequence[Sequence[float]]) -> Spread | None:
    """Return the deviation within ``groups`` of values, one an experiment; None where no group has two values."""
    squares, freedom = 0.0, 0
    # In plain arithmetic: hundreds of groups of a few values each, for every metric of every setting.
    for group in groups:
        if len(group) > 1:
            mean = sum(group) / len(group)
            squares += sum((value - mean) ** 2 for value in group)
            freedom += len(group) - 1
    return Spread(sqrt(squares / freedom), freedom) if freedom else None


def prediction_half_width(deviation: float, seeds: int, freedom: float | None = None, level: float = LEVEL) -> float:
    """Return how far one more run may lie from the mean of ``seeds``: t s sqrt(1 + 1/n).

    ``freedom`` is that of a ``deviation`` seen elsewhere, n - 1 if none.

    Raises:
        ValueError: fewer than two seeds, which have no deviation of their own.
    """
    if seeds < 2 and freedom is None:
        raise ValueError(f'{seeds} seeds: a prediction interval needs at least 2')
    freedom = seeds - 1 if freedom is None else freedom
    return deviation * quantile(0.5 + level / 2, freedom) * sqrt(1 + 1 / seeds)


def adjusted(p_values: Sequence[float], correction: Correction = 'holm') -> np.ndarray:
    """Return p-values that allow for how many were looked at.

    ``holm`` bounds the chance of any false statement; ``bh`` (Benjamini and Hochberg) bounds the expected share of
    false ones among those believed, for exploring.
    """
    p = np.asarray(p_values, dtype=float)
    if correction == 'bh':
        from scipy.stats import false_discovery_control

        return false_discovery_control(p, method='bh') if p.size else p
    order = np.argsort(p, kind='stable')
    stepped = np.maximum.accumulate(p[order] * np.arange(p.size, 0, -1))
    result = np.empty_like(p)
    result[order] = np.minimum(stepped, 1.0)
    return result


def seeds_to_decide(
    distance: float,
    deviation: float,
    image_error: float = 0.0,
    alpha: float = ALPHA,
    power: float = 0.8,
    most: int = 1000,
) -> int | None:
    """Return how many seeds would show, with probability ``power``, that a value is off a bound by ``distance``.

    Args:
        distance: from the value to the nearest bound that it must be told from.
        deviation: over seeds. ``image_error`` stays, however many seeds there are.

    Returns:
        At least 2; None where even ``most`` would not do, because of the images or of too small a distance.
    """
    if distance == 0 or not deviation:
        decided = distance > image_error * quantile(1 - alpha, inf)
        return 2 if decided else None

    from scipy.stats import nct

    def decides(seeds: int) -> bool:
        planned = Estimate(distance, deviation / sqrt(seeds), seeds - 1, image_error)
        freedom = min((seeds - 1) * (planned.error / planned.seed_error) ** 4, _MANY)
        least = planned.half_width(1 - alpha) / planned.error
        return bool(nct.sf(least, freedom, distance / planned.error) >= power)

    # The chance only grows with the seeds.
    found = bisect_left(range(2, most + 1), True, key=decides) + 2
    return found if found <= most else None


def seeds_to_predict(deviation: float, margin: float, most: int = 1000) -> int | None:
    """Return from how many seeds on the prediction interval's half-width is within ``margin``; None for never."""
    found = bisect_left(range(2, most + 1), True, key=lambda n: prediction_half_width(deviation, n) <= margin) + 2
    return found if found <= most else None


def order_agreement(values: np.ndarray) -> np.ndarray:
    """Return Kendall's tau (tau-b) of ``values`` [..., n] against ascending order; 0 where all are equal.

    1 is the listed order, -1 its reverse.
    """
    first, second = np.triu_indices(values.shape[-1], k=1)
    signs = np.sign(values[..., second] - values[..., first])
    untied = np.count_nonzero(signs, axis=-1)
    return signs.sum(axis=-1) / np.sqrt(np.maximum(untied, 1) * first.size)
