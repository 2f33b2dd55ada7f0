"""What was measured of a claim, in the fewest words that say what it is of. Pure."""

from bench.claims import Verdict
from bench.render import cells


def effect(verdict: Verdict | None) -> str:
    """Return the effect with its unit and interval; a dash where nothing was measured."""
    if verdict is None or verdict.effect is None:
        return cells.DASH
    orders = any(one.check.relation == 'order' and one.effect == verdict.effect for one in verdict.findings)
    return ("Kendall's tau " if orders else '') + _amount(verdict) + _interval(verdict)


def in_words(verdict: Verdict) -> str:
    """Return what the effect is of, and the effect: ``mIoU of wide minus base: 4.10 points (95 %: 1.82 to 6.38)``."""
    phrase = verdict.reason.removesuffix('.').partition('; ')[0]
    subject, found, _ = phrase.partition(' is ')
    if verdict.effect is None or not found:
        return phrase or effect(verdict)
    subject, _, other = subject.removeprefix('The ').replace(' minus that of ', ' minus ').partition(' over that of ')
    of_other = f' that of {other}' if other else ''
    return f'{subject}: {_amount(verdict)}{of_other}{_interval(verdict)}'


def claimed(verdict: Verdict) -> str:
    """Return what the effect should have been where the claim fell; empty where it did not."""
    _, found, text = verdict.reason.removesuffix('.').rpartition('; ')
    return text if found and verdict.answer == 'contradicted' else ''


def _amount(verdict: Verdict) -> str:
    unit = '%' if verdict.unit == 'percent' else verdict.unit
    return f'{_figures(verdict.effect or 0.0)} {unit}'.rstrip()


def _interval(verdict: Verdict) -> str:
    if verdict.low is None or verdict.high is None or verdict.low == verdict.high:
        return ''
    return f' (95 %: {_figures(verdict.low)} to {_figures(verdict.high)})'


def _figures(value: float) -> str:
    """Return a number as tables have them, with two decimals; none where it is large, more where it is small."""
    size = abs(value)
    if size >= 100:
        # One seed bounds a ratio by nothing, in numbers of hundreds of digits.
        return f'{value:,.0f}' if size < 1e9 else f'{value:.2g}'
    return f'{value:.2f}' if size >= 0.01 else f'{value:.1g}'
