"""What stored results say of the metrics that claims speak of; ``judge`` then needs no file.

``cases`` joins every claim with every setting it has runs in. A setting's matrices are read when a claim asks for them
and let go with the setting.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Any

from bench.claims import Claim
from bench.experiments import Catalogue
from bench.judging.places import Counts, Place, run_places
from bench.judging.run_values import COUNTED, counted_value
from bench.judging.samples import Case, Circumstances, Key, Sample, key_of
from bench.judging.timing_places import timing_places
from bench.records import Receipt

STAND_INS = ('__stand_in', '__scenes')
"""How the arms end that start from a stand-in for documented weights."""
COUNTED_LABEL = 'counted'
SAME_NETWORK = 0.1
"""Up to this share of the documented count, another one is taken for that of the documented network."""
DOCUMENTED_LABEL = 'documented numbers'


def cases(
    claims: Iterable[Claim],
    stored: Iterable[tuple[Path, Receipt]],
    catalogue: Catalogue,
    counts: Counts,
    timings: Sequence[Mapping[str, Any]] = (),
    units: Mapping[str, str] | None = None,
    leaving: Callable[[Place], object] = lambda place: None,
) -> Iterator[Case]:
    """Yield every claim with its evidence in every setting, setting by setting.

    A claim about counted quantities, or about documented numbers alone, has one case that no run can change. A claim
    without any run has one case, whose setting is empty.

    Args:
        stored: what ``store.read_all`` returns.
        counts: what ``counts.refresh`` returns.
        timings: what ``store.read_timings`` returns.
        units: unit of every metric, ``catalogue.CLAIM_METRICS``.
        leaving: called with every setting before what was read of it is let go.
    """
    claims, stored, units = list(claims), list(stored), units or {}
    known = _Exact(catalogue, counts, _costs(stored, timings))
    open_claims = [claim for claim in claims if not _is_exact(claim)]
    for claim in claims:
        if _is_exact(claim):
            yield known.case(claim, units)
    unmeasured = {claim.id: claim for claim in open_claims}
    places: Iterator[Place] = chain(timing_places(timings), run_places(stored, counts))
    for place in places:
        told = [claim for claim in open_claims if place.speaks_of(_measured(claim))]
        place.prepare(key for claim in told for key in _measured(claim))
        for claim in told:
            unmeasured.pop(claim.id, None)
            yield _case(claim, place, known, units)
        leaving(place)
        place.forget()
    for claim in unmeasured.values():
        yield Case(claim, Circumstances(''), {key: _never_ran(key) for key in keys(claim)}, units)


def keys(claim: Claim) -> list[Key]:
    """Return what a claim needs to know, each once."""
    found = (key_of(check, name) for check in claim.checks for name in dict.fromkeys((check.of, *check.than)))
    return list(dict.fromkeys(found))


def _measured(claim: Claim) -> list[Key]:
    """Return what runs have to tell of a claim, and of the stand-ins for its experiments."""
    instead = _with_stand_ins(claim)
    found = dict.fromkeys([*keys(claim), *(keys(instead) if instead else ())])
    return [key for key in found if key[0] not in COUNTED]


def _is_exact(claim: Claim) -> bool:
    return claim.method in ('none', 'arithmetic') or all(check.metric in COUNTED for check in claim.checks)


def _case(claim: Claim, place: Place, known: '_Exact', units: Mapping[str, str]) -> Case:
    samples = {key: known.counted(key) if key[0] in COUNTED else place.sample(key) for key in keys(claim)}
    spreads = {metric: place.known(metric) for metric in {key[0] for key in samples if key[0] not in COUNTED}}
    usual = {metric: spread for metric, spread in spreads.items() if spread is not None}
    instead = _with_stand_ins(claim)
    shown = _case(instead, place, known, units) if instead and place.speaks_of(keys(instead)) else None
    return Case(claim, place.circumstances(claim), samples, units, usual, shown)


def _with_stand_ins(claim: Claim) -> Claim | None:
    """Return the claim about the stand-ins for its experiments, as far as it names them.

    None where it names none, or does not hang on weights.
    """
    if 'weights' not in claim.needs:
        return None
    arms = {
        name: f'{name}{ending}'
        for name in claim.experiments
        for ending in STAND_INS
        if f'{name}{ending}' in claim.experiments
    }
    checks = [
        replace(check, of=arms.get(check.of, check.of), than=tuple(arms.get(name, name) for name in check.than))
        for check in claim.checks
        if arms.keys() & {check.of, *check.than}
    ]
    return replace(claim, checks=tuple(checks), needs=()) if checks else None


def _never_ran(key: Key) -> Sample:
    return Sample(key[1], key[0], obstacle='not measured', reason=f'{key[1]} was never run')


def _costs(stored: list[tuple[Path, Receipt]], timings: Sequence[Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
    """Return a row with the ``cost`` of every experiment that a run or a timing counted."""
    found = {str(record['experiment']): {'cost': record['cost']} for record in timings if record.get('cost')}
    return found | {receipt.experiment: {'cost': receipt.cost} for _, receipt in stored if receipt.cost}


class _Exact:
    """Samples without seeds: what is counted, from the table first and from a run next, and what is documented."""

    def __init__(self, catalogue: Catalogue, counts: Counts, costs: Mapping[str, Mapping[str, Any]]):
        self.catalogue, self.rows = catalogue, {**costs, **counts}

    def case(self, claim: Claim, units: Mapping[str, str]) -> Case:
        if not claim.checks:
            return Case(claim, Circumstances(''), {}, units)
        if claim.method == 'arithmetic':
            samples = {key: self.documented(key) for key in keys(claim)}
            return Case(claim, Circumstances(DOCUMENTED_LABEL), samples, units)
        return Case(claim, Circumstances(COUNTED_LABEL), {key: self.counted(key) for key in keys(claim)}, units)

    def counted(self, key: Key) -> Sample:
        metric, name, _ = key
        value = counted_value(metric, self.rows.get(name, {}))
        if value is None:
            return Sample(name, metric, obstacle='not measured', reason=f'the {metric} of {name} was not counted')
        return Sample(name, metric, {0: value}, exact=True, unlike=self._unlike(metric, name, value))

    def _unlike(self, metric: str, name: str, value: float) -> str:
        """Tell both counts where another network was counted than the documented one; empty where nothing shows it."""
        row = self.catalogue.experiments.get(name)
        printed = row.value(metric) if row else None
        if printed is None or abs(value - printed) <= SAME_NETWORK * printed:
            return ''
        return f'{name.split("/")[-1]}: {value:.4g}, documented {printed:.4g}'

    def documented(self, key: Key) -> Sample:
        metric, name, _ = key
        row = self.catalogue.experiments.get(name)
        value = row.value(metric) if row else None
        if metric in COUNTED and value is None:
            return self.counted(key)
        if value is None:
            return Sample(name, metric, obstacle='undecidable', reason=f'no {metric} of {name} is documented')
        return Sample(name, metric, {0: value}, exact=True, printed=True)
