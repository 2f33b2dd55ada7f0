"""The records of what the reports claim and of what came of it; they hold values and no behaviour.

A claim is true where all of its checks hold. Values are in the unit of the check's metric; percent is 0 to 100. What
is not known is ``None``, never 0.
"""

from dataclasses import dataclass
from typing import Literal

Relation = Literal['greater', 'less', 'equal', 'ratio', 'ratio_at_least', 'value', 'at_least', 'at_most', 'order']
Method = Literal['counted', 'paired', 'timed', 'curve', 'arithmetic', 'none']
OwnData = Literal['consistent', 'contradicted', 'confounded', 'silent']
Obstacle = Literal['weights', 'data', 'hardware']
Answer = Literal[
    'reproduced',
    'contradicted',
    'inconclusive',
    'not measured',
    'not measured (smoke)',
    'failed',
    'blocked (data)',
    'blocked (weights)',
    'blocked (hardware)',
    'undecidable',
]
MEASURED: tuple[Answer, ...] = ('reproduced', 'contradicted', 'inconclusive')
"""The answers that rest on a measurement."""


NEVER = 2**31 - 1
"""Stands for the seeds that are needed where no number of them would decide."""


@dataclass(frozen=True)
class Check:
    """One measurable statement about ``metric`` of experiment ``of``.

    ``relation`` says which:

    - ``greater``, ``less``: than that of every experiment in ``than``, by more than ``margin`` (0 unless given). A
      negative one allows for as much the other way: ``less`` by -2 is "no gain of 2 or more".
    - ``equal``: to that of every one in ``than``, within ``margin`` (required).
      For these three ``value`` is the documented difference, ``of`` minus ``than``: to the one in ``than`` that
      speaks most against the claim.
    - ``ratio``: ``of`` over the one in ``than`` is ``value``, within the relative tolerance ``margin`` (0.1 is 10 %).
    - ``ratio_at_least``: of ``of`` over the one in ``than`` is ``value`` or more: "much slower" has no upper end.
    - ``value``: is ``value``, within ``margin``.
    - ``at_least``, ``at_most``: ``value``.
    - ``order``: ascends along ``of, *than``; ``value`` is the least Kendall's tau that counts as the same order.
    """

    metric: str
    relation: Relation
    of: str
    than: tuple[str, ...] = ()
    value: float | None = None
    margin: float | None = None
    note: str = ''


@dataclass(frozen=True)
class Claim:
    """One statement of a report, in our words, in a form that a program can judge.

    ``experiments`` are all that it speaks of. ``method`` says how it is decided: ``counted`` (exact: parameters,
    multiply-adds, pixels), ``paired`` (scores on the same images from the same seeds), ``timed`` (latency, memory,
    seconds), ``curve`` (training curves), ``arithmetic`` (from documented numbers alone), ``none`` (no metric can:
    ``reason`` says why, and there are no checks). ``own_data`` is what the report's own numbers say of it and
    ``known`` puts that in words. ``needs`` names what evidence hangs on beside runs.
    """

    id: str
    statement: str
    section: str
    experiments: tuple[str, ...]
    method: Method
    how: str
    checks: tuple[Check, ...] = ()
    magnitude: str = ''
    own_data: OwnData = 'silent'
    known: str = ''
    needs: tuple[Obstacle, ...] = ()
    reason: str = ''


@dataclass(frozen=True)
class Finding:
    """What came of one check: ``effect`` with its interval [``low``, ``high``], in the unit of its metric.

    ``effect`` is a difference for greater, less and equal, a ratio for ratio, Kendall's tau for order, and the
    measured value itself for the others; ``seeds`` is how many seeds that rests on.
    """

    check: Check
    answer: Answer
    effect: float | None = None
    low: float | None = None
    high: float | None = None
    unit: str = ''
    seeds: int = 0
    reason: str = ''


@dataclass(frozen=True)
class Verdict:
    """What is to be believed of a claim on one setting (data set, size, budget, precision), and why.

    ``reduced_budget`` marks evidence from trainings shorter than documented, ``other_data`` from runs on another data
    set. ``evidence`` lists the runs (ids of
    receipts); ``seeds_needed`` is how many seeds would decide an open claim if the effect stays what it is: ``NEVER``
    where more of them alone would not, None where that is not known.
    """

    claim: str
    setting: str
    answer: Answer
    reduced_budget: bool = False
    effect: float | None = None
    low: float | None = None
    high: float | None = None
    unit: str = ''
    findings: tuple[Finding, ...] = ()
    evidence: tuple[str, ...] = ()
    seeds: int = 0
    seeds_needed: int | None = None
    reason: str = ''
    other_data: bool = False
