"""Claims with their verdicts: tables for people, a data frame for machines."""

from collections import Counter
from collections.abc import Iterable, Sequence

import pandas as pd

from bench.claims import MEASURED, NEVER, Claim, Verdict
from bench.experiments import Catalogue
from bench.judging.run_values import TIMED
from bench.render import cells, effects
from bench.render.gather import Judged, Row
from bench.render.tables import Table

NOT_JUDGED = 'not judged'
SIGNS: dict[str, str] = {
    'reproduced': '✓',
    'contradicted': '✗',
    'inconclusive': '?',
    'not measured': '○',
    'not measured (smoke)': '○',
    'failed': '!',
    'blocked (data)': '⊘',
    'blocked (weights)': '⊘',
    'blocked (hardware)': '⊘',
    'undecidable': '–',
    NOT_JUDGED: '○',
}
"""A sign for each answer, so that no verdict is told by its colour alone."""


def claims_of(catalogue: Catalogue, report: str | None = None) -> list[Claim]:
    """Return the claims of a report, or all, in the order of the catalogue."""
    claims = list(catalogue.claims.values())
    slugs = {claim.id: report_of(claim) for claim in claims}
    return [claim for claim in claims if report in (None, slugs[claim.id])]


def report_of(claim: Claim) -> str:
    """Return the slug of the report that makes the claim: that of the experiments it speaks of."""
    return claim.experiments[0].split('/')[0] if claim.experiments else ''


def named(verdict: Verdict | None) -> str:
    """Return a verdict in words; a reduced budget and other data than documented come before what it says."""
    if verdict is None:
        return NOT_JUDGED
    limits = limits_of(verdict)
    return f'{limits}: {verdict.answer}' if limits else verdict.answer


def limits_of(verdict: Verdict) -> str:
    """Return in what the evidence falls short of the documented setting; empty for nothing."""
    told = {'reduced budget': verdict.reduced_budget, 'other data': verdict.other_data}
    return ', '.join(name for name, is_so in told.items() if is_so)


def why(claim: Claim, judged: Judged) -> str:
    """Return what explains the verdict to believe, and what was measured of the claim elsewhere."""
    verdict = judged.of(claim.id)
    if verdict is None:
        return claim.reason
    return ' '.join(filter(None, (verdict.reason or claim.reason, elsewhere(verdict, judged))))


def elsewhere(verdict: Verdict, judged: Judged) -> str:
    """Return what the same claim came to in every other setting that measured it; empty where none did."""
    found: dict[str, list[str]] = {}
    for one in judged.verdicts:
        if one.claim == verdict.claim and one.setting != verdict.setting and one.answer in MEASURED:
            where = _unlike(one.setting, verdict.setting)
            found.setdefault(one.answer, []).append(f'{where} ({counted_seeds(one.seeds)})' if one.seeds else where)
    told = '; '.join(f'{answer} on {" and ".join(places)}' for answer, places in found.items())
    return f'Elsewhere: {told}.' if told else ''


def counted_seeds(number: int) -> str:
    """Return ``1 seed`` or ``2 seeds``."""
    return f'{number} seed{"s" * (number != 1)}'


def _unlike(setting: str, other: str) -> str:
    """Return those parts of a setting's label that set it apart from the ``other``."""
    known = other.split(', ')
    return ', '.join(part for part in setting.split(', ') if part not in known) or setting


def seeds(verdict: Verdict | None) -> str:
    """Return how many seeds a verdict rests on and, where it is open, how many would decide it, as far as is known."""
    if verdict is None or not verdict.seeds:
        return cells.DASH
    # Other seeds train other weights, which take the same time.
    timed = any(finding.check.metric in TIMED for finding in verdict.findings)
    if verdict.answer != 'inconclusive' or verdict.seeds_needed is None or timed:
        return str(verdict.seeds)
    if verdict.seeds_needed == NEVER:
        return f'{verdict.seeds}; more seeds alone would not decide it'
    return f'{verdict.seeds}; about {verdict.seeds_needed} would decide it'


def touching(row: Row, catalogue: Catalogue, judged: Judged) -> str:
    """Return the claims that were measured and speak of the row's experiment, each with the sign of what came of it.

    That of the row's setting where the claim was measured there.
    """
    label = row.setting.label if row.setting else ''
    told = [
        f'{claim.id}\u00a0{SIGNS[verdict.answer]}'
        for claim in catalogue.claims.values()
        if row.experiment in claim.experiments
        and (verdict := judged.on(claim.id, label))
        and verdict.answer in MEASURED
    ]
    return ', '.join(told) or cells.DASH


def tally(catalogue: Catalogue, judged: Judged) -> list[tuple[str, int]]:
    """Return how many claims got each answer, what was decided first."""
    counts = Counter(verdict.answer if (verdict := judged.of(name)) else NOT_JUDGED for name in catalogue.claims)
    rest = sorted(set(counts) - set(MEASURED))
    return [(answer, counts[answer]) for answer in (*MEASURED, *rest) if counts[answer]]


def table(report: str, catalogue: Catalogue, judged: Judged) -> Table | None:
    """Return the claims of a report with what came of them; None where it makes none."""
    claims = claims_of(catalogue, report)
    if not claims:
        return None
    columns = ('Claim', 'Statement', 'Verdict', 'Effect', 'Seeds', 'Setting', 'Why', 'Own data')
    found = [judged.of(claim.id) for claim in claims]
    body = tuple(
        (
            claim.id,
            claim.statement,
            named(verdict),
            effects.effect(verdict),
            seeds(verdict),
            verdict.setting or cells.DASH if verdict else cells.DASH,
            why(claim, judged) or cells.DASH,
            f'{claim.own_data}: {claim.known}' if claim.known else claim.own_data,
        )
        for claim, verdict in zip(claims, found, strict=True)
    )
    return Table(f'{report}-claims', f'{report}: claims', columns, body, ('ok',) * len(body), text_columns=3)


def frame(catalogue: Catalogue, judged: Judged) -> pd.DataFrame:
    """Return one line a claim: id, verdict, effect with its interval, evidence; then what explains them."""
    return pd.DataFrame(
        [_record(claim, judged) for claim in catalogue.claims.values()],
        columns=['id', 'verdict', 'effect', 'low', 'high', 'evidence', 'unit', 'reduced_budget', 'other_data',
                 'setting', 'seeds', 'seeds_needed', 'report', 'method', 'experiments', 'own_data', 'reason'],
    )  # fmt: skip


def counted(pairs: Iterable[tuple[str, int]]) -> str:
    """Return a tally in words."""
    return ', '.join(f'{count} {name}' for name, count in pairs)


def _record(claim: Claim, judged: Judged) -> dict[str, object]:
    verdict = judged.of(claim.id)
    base: dict[str, object] = {
        'id': claim.id,
        'verdict': NOT_JUDGED,
        'report': report_of(claim),
        'method': claim.method,
        'experiments': ' '.join(claim.experiments),
        'own_data': claim.own_data,
        'reason': why(claim, judged),
    }
    if verdict is None:
        return base
    return base | {
        'verdict': verdict.answer,
        'effect': verdict.effect,
        'low': verdict.low,
        'high': verdict.high,
        'evidence': _joined(verdict.evidence),
        'unit': verdict.unit,
        'reduced_budget': verdict.reduced_budget,
        'other_data': verdict.other_data,
        'setting': verdict.setting,
        'seeds': verdict.seeds,
        'seeds_needed': None if verdict.seeds_needed == NEVER else verdict.seeds_needed,
    }


def _joined(evidence: Sequence[str]) -> str:
    return ' '.join(evidence)
