"""Claims and their evidence -> verdicts. Pure.

A claim is reproduced where all of its checks hold, contradicted where one of them fails, and inconclusive where the
evidence does not tell. "Holds" and "fails" are each believed at ``ALPHA``, after Holm's correction for all claims that
are looked at in the same setting. A documented number itself is only ever compared with runs on the documented data, at
the documented size and budget.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from bench.claims import MEASURED, NEVER, Answer, Check, Finding, Verdict
from bench.judging import comparable, words
from bench.judging.comparisons import (
    ABSOLUTE,
    RATIOS,
    Outcome,
    against_number,
    beyond,
    compare,
    in_order,
)
from bench.judging.samples import Case, Sample, key_of
from bench.judging.uncertainty import ALPHA, Correction, Spread, adjusted

_TELLING: tuple[Answer, ...] = (
    *MEASURED,
    'undecidable',
    'blocked (data)',
    'blocked (weights)',
    'blocked (hardware)',
    'failed',
    'not measured (smoke)',
    'not measured',
)


@dataclass(frozen=True)
class _Judged:
    """A verdict before it is corrected for the others, with what the correction needs.

    ``chance`` is the p-value of what it says (of the likelier side where it says nothing), None where nothing was
    measured; ``needed`` is the verdict's number of seeds at a given alpha.
    """

    verdict: Verdict
    rank: tuple
    chance: float | None = None
    needed: Callable[[float], int | None] = lambda alpha: None


def verdicts(cases: Iterable[Case], correction: Correction = 'holm') -> list[Verdict]:
    """Judge every case.

    Args:
        cases: claims in the settings they have evidence in, see ``evidence.cases``; read once, one at a time.
        correction: for the number of claims in a setting: ``holm``, or ``bh`` for exploring.

    Returns:
        One verdict a case: claims in the order they first came in, the most telling setting of each first.
    """
    judged = [_judge(case) for case in cases]
    families: dict[str, list[int]] = {}
    for index, one in enumerate(judged):
        if one.chance is not None:
            families.setdefault(one.verdict.setting, []).append(index)
    for members in families.values():
        corrected = adjusted([judged[index].chance or 0.0 for index in members], correction)
        for index, chance in zip(members, corrected, strict=True):
            judged[index] = _corrected(judged[index], float(chance), len(members))
    order = {name: index for index, name in enumerate(dict.fromkeys(one.verdict.claim for one in judged))}
    judged.sort(key=lambda one: (order[one.verdict.claim], one.rank))
    return [one.verdict for one in judged]


def best_verdicts(judged: Iterable[Verdict]) -> dict[str, Verdict]:
    """Return each claim's most telling verdict: a measured one before any other, then that of the first setting.

    Which way a measurement fell plays no part, so a clear answer on a small run never hides an open one on a full run.
    """
    rank: dict[Answer, int] = {answer: index for index, answer in enumerate(_TELLING)} | dict.fromkeys(MEASURED, 0)
    best: dict[str, Verdict] = {}
    for verdict in judged:
        if verdict.claim not in best or rank[verdict.answer] < rank[best[verdict.claim].answer]:
            best[verdict.claim] = verdict
    return best


def _judge(case: Case) -> _Judged:
    claim, where = case.claim, case.where
    runs = tuple(dict.fromkeys(run for sample in case.samples.values() for run in sample.runs))
    plain = Verdict(claim.id, where.label, 'undecidable', evidence=runs)
    if claim.method == 'none' or not claim.checks:
        return _Judged(replace(plain, reason=_sentence(claim.reason or 'no metric can decide it')), where.rank)
    if stopped := _stopped(case):
        answer, reason = stopped
        if answer == 'blocked (weights)' and case.stand_in:
            reason += _shown(case.stand_in)
        return _Judged(replace(plain, answer=answer, reason=_sentence(reason)), where.rank)
    judged = _with_lack(_joined(case, plain, [_find(check, case) for check in claim.checks]), case)
    if judged.verdict.answer != 'not measured' or not case.stand_in:
        return judged
    reason = judged.verdict.reason.removesuffix('.') + _shown(case.stand_in)
    return replace(judged, verdict=replace(judged.verdict, reason=_sentence(reason)))


def _with_lack(judged: _Judged, case: Case) -> _Judged:
    """Return the verdict, which says of measured runs that they started without the documented weights."""
    lacking = dict.fromkeys(sample.lacking for sample in case.samples.values() if sample.lacking)
    if judged.verdict.answer not in MEASURED or not lacking:
        return judged
    reason = (
        f'{judged.verdict.reason.removesuffix(".")}; trained without the documented {" and ".join(lacking)} weights.'
    )
    return replace(judged, verdict=replace(judged.verdict, reason=reason))


def _shown(stand_in: Case) -> str:
    """Return what the arms with stand-in weights show; nothing where none of them has a measurement."""
    found = [_find(check, stand_in).finding for check in stand_in.claim.checks]
    told = [f'{one.reason}: {one.answer}' for one in found if one.answer in MEASURED]
    return f'. Stand-in, which decides nothing: {"; ".join(told)}' if told else ''


def _stopped(case: Case) -> tuple[Answer, str] | None:
    """Return why nothing that was run here can speak of the claim; None where it can."""
    where, needs = case.where, case.claim.needs
    ran = [sample for sample in case.samples.values() if sample.runs]
    if where.smoke:
        return 'not measured (smoke)', 'a smoke run trains for seconds and is no evidence'
    foreign = _foreign(case)
    if 'data' in needs and foreign:
        return 'blocked (data)', f'it hangs on the documented data set, and {foreign[0]} ran on {where.dataset}'
    if 'hardware' in needs and where.rank and not where.on_gpu:
        return 'blocked (hardware)', 'it hangs on a GPU, and the runs were on a CPU'
    lacking = next((sample for sample in ran if sample.lacking), None)
    if 'weights' in needs and lacking:
        return (
            'blocked (weights)',
            f'it hangs on the initial weights {lacking.lacking}, and {lacking.experiment} ran without',
        )
    return None


def _foreign(case: Case) -> list[str]:
    """Return the experiments that ran on another data set than the documented one."""
    return [one.experiment for one in case.samples.values() if one.runs and one.experiment not in case.where.right_data]


@dataclass(frozen=True)
class _Found:
    """A finding and the outcomes it joins; none where something stood in the way."""

    finding: Finding
    outcomes: tuple[Outcome, ...] = ()

    @property
    def holds(self) -> float:
        return max((one.holds for one in self.outcomes), default=1.0)

    @property
    def fails(self) -> float:
        return min((one.fails for one in self.outcomes), default=1.0)


def _find(check: Check, case: Case) -> _Found:
    """Judge one check. What is missing of a comparison with several counts only if the rest does not settle it."""
    of, *others = (case.samples[key_of(check, name)] for name in (check.of, *check.than))
    unit, usual = _unit(check, case), case.known.get(check.metric)
    missing = [sample for sample in (of, *others) if sample.obstacle]
    # That it ran out of memory is what was measured.
    ran_out = check.relation == 'at_least' and of.floor is not None
    if (of.obstacle and not ran_out) or (missing and check.relation == 'order'):
        return _Found(_absent(check, missing))
    if check.relation == 'order':
        if reason := comparable.all_matched(check.metric, [of, *others]):
            return _Found(Finding(check, 'not measured', reason=reason))
        return _Found(*_settled(check, [_of_networks(in_order(check, [of, *others], usual), of, *others)], ''))
    if check.relation in ABSOLUTE:
        if reason := comparable.whole_batches(check.metric, of):
            return _Found(Finding(check, 'not measured', reason=reason))
        outcome = beyond(check, of, unit) if ran_out else _of_networks(against_number(check, of, usual, unit), of)
        if of.exact or check.of in case.where.as_documented:
            return _Found(*_settled(check, [outcome], unit))
        outcome = replace(outcome, holds=1.0, fails=1.0, needed=lambda alpha: NEVER)
        return _Found(*_settled(check, [outcome], unit, _unlike(check, case)))
    compared, refused = _compared(check, of, others, usual, unit)
    missing += [replace(of, obstacle='not measured', reason=reason) for reason in refused]
    if not compared:
        return _Found(_absent(check, missing))
    finding, kept = _settled(check, compared, 'times' if check.relation in RATIOS else words.difference_unit(unit))
    return _Found(_absent(check, missing)) if missing and finding.answer != 'contradicted' else _Found(finding, kept)


def _compared(
    check: Check, of: Sample, others: Sequence[Sample], usual: Spread | None, unit: str
) -> tuple[list[Outcome], list[str]]:
    """Return what came of each pair that was measured, and why the rest of them cannot be compared."""
    outcomes, refused = [], []
    for other in others:
        if other.obstacle:
            continue
        first, second, reason = comparable.matched(check.metric, of, other, others)
        outcome = None if reason else compare(check, first, second, usual, unit)
        if outcome is None:
            refused.append(reason or f'{check.of} shares no seed with the others')
        else:
            aside = comparable.split_aside(check.metric, of, other) + comparable.precise_aside(of, other)
            outcomes.append(_of_networks(replace(outcome, phrase=outcome.phrase + aside), of, other))
    return outcomes, refused


def _of_networks(outcome: Outcome, *samples: Sample) -> Outcome:
    """Return ``outcome``, which is open where what was counted is not of the documented networks."""
    unlike = '; '.join(sample.unlike for sample in samples if sample.unlike)
    if not unlike:
        return outcome
    return replace(outcome, holds=1.0, fails=1.0, phrase=f'{outcome.phrase}, but of other networks ({unlike})')


def _settled(
    check: Check, outcomes: Sequence[Outcome], unit: str, aside: str = ''
) -> tuple[Finding, tuple[Outcome, ...]]:
    """Return the finding that all of ``outcomes`` come to: that of the one which decides it."""
    least = min(outcomes, key=lambda one: one.fails)
    telling = max(outcomes, key=lambda one: one.holds)
    answer: Answer = 'inconclusive'
    if least.fails * len(outcomes) <= ALPHA:
        answer, telling = 'contradicted', least
    elif telling.holds <= ALPHA:
        answer = 'reproduced'
    reason = f'{telling.phrase}; {aside or telling.claimed}'
    finding = Finding(check, answer, telling.effect, telling.low, telling.high, unit, telling.seeds, reason)
    return finding, tuple(outcomes)


def _absent(check: Check, missing: Sequence[Sample]) -> Finding:
    """Return the finding of a check that lacks a measurement; a failure says more than a run that was never made."""
    sample = min(missing, key=lambda one: _TELLING.index(one.obstacle or 'not measured'))
    return Finding(check, sample.obstacle or 'not measured', reason=sample.reason)


def _unit(check: Check, case: Case) -> str:
    return case.units.get(check.metric, 'percent' if check.metric.startswith('iou.') else '')


def _unlike(check: Check, case: Case) -> str:
    """Say why a documented number cannot be compared with this run."""
    if check.of not in case.where.right_data:
        return f'a number documented on other data than {case.where.dataset or "this"} is not judged by it'
    return 'a documented number is not judged by a run of a smaller budget or size'


def _joined(case: Case, plain: Verdict, found: Sequence[_Found]) -> _Judged:
    """Return the claim's verdict: contradicted by one check, reproduced by all."""
    answers = [one.finding.answer for one in found]
    answer: Answer = 'reproduced'
    if 'contradicted' in answers:
        answer = 'contradicted'
    elif set(answers) != {'reproduced'}:
        # What was not measured says more than what it would have been compared with.
        answer = max((a for a in answers if a != 'reproduced'), key=lambda a: (a not in MEASURED, -_TELLING.index(a)))
    outcomes = [one for each in found for one in each.outcomes]
    against = min(one.fails for one in found) * len(outcomes)
    chances = {'reproduced': max(one.holds for one in found), 'contradicted': against}
    chance = chances.get(answer, min(chances.values())) if answer in MEASURED else None
    finding = _deciding([one for one in found if one.finding.answer == answer], answer).finding
    aside = ''
    if answer == 'contradicted' and against > ALPHA:
        answer = 'inconclusive'
        aside = f'; clear by itself, but not as one of {len(outcomes)} comparisons that the claim consists of'
    verdict = replace(
        plain,
        answer=answer,
        reduced_budget=case.where.reduced and answer in MEASURED,
        other_data=bool(_foreign(case)) and answer in MEASURED,
        effect=finding.effect,
        low=finding.low,
        high=finding.high,
        unit=finding.unit,
        findings=tuple(one.finding for one in found),
        seeds=finding.seeds,
        reason=_sentence(finding.reason + aside),
    )
    return _Judged(verdict, case.where.rank, chance, lambda alpha: _needed(outcomes, alpha))


def _deciding(found: Sequence[_Found], answer: Answer) -> _Found:
    """Return the check that the answer hangs on: the one that fails most clearly, or that holds least clearly."""
    surest = min(found, key=lambda one: one.fails)
    if answer == 'contradicted' or (answer == 'inconclusive' and surest.fails < surest.holds):
        return surest
    return max(found, key=lambda one: one.holds)


def _needed(outcomes: Sequence[Outcome], alpha: float) -> int | None:
    """Return the seeds that would settle a claim as its ``outcomes`` lean: one that fails does, or all that hold.

    ``NEVER`` where seeds alone would not, None where too little is known.
    """
    failing = [one.needed(alpha / len(outcomes)) for one in outcomes if 0 < one.fails < one.holds]
    if failing:
        return min((seeds for seeds in failing if seeds is not None), default=None)
    wanted = [one.needed(alpha) for one in outcomes if min(one.holds, one.fails) > 0]
    return None if not wanted or None in wanted else max(seeds for seeds in wanted if seeds is not None)


def _corrected(judged: _Judged, chance: float, family: int) -> _Judged:
    """Return the verdict among ``family`` others; what no longer holds is inconclusive, and says so."""
    verdict = judged.verdict
    if verdict.answer != 'inconclusive' and chance <= ALPHA:
        return judged
    if verdict.answer != 'inconclusive':
        aside = f'; clear by itself, but not as one of {family} claims judged here.'
        verdict = replace(verdict, answer='inconclusive', reason=verdict.reason.removesuffix('.') + aside)
    needed = judged.needed(ALPHA / family)
    # With the seeds there are it was open, whatever their number promised.
    needed = None if needed is None else max(needed, verdict.seeds + 1)
    return replace(judged, verdict=replace(verdict, seeds_needed=needed))


def _sentence(text: str) -> str:
    first = text.split(' ', 1)[0]
    # The name of an experiment keeps its small letter.
    start = first if '/' in first else first[:1].upper() + first[1:]
    return start + text[len(first) :].removesuffix('.') + '.'
