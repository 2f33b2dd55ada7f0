"""What the reports claim: ``reports/documented/claims/*.yaml`` read, checked and joined.

A file has the name of a report and maps each of its claims' ids to the fields of ``bench.claims.Claim``. A claim and
the rows of the experiments that it speaks of name each other; neither may do so alone.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Any

from bench import rows
from bench.claims import Check, Claim
from bench.errors import CatalogueError
from bench.experiments import Experiment
from bench.rows import require, require_known, require_text

_ID = re.compile(r'[A-Z]\d{2}')
_CLASS_IOU = re.compile(r'iou\..+')
_PIXEL_RATIO = re.compile(r'class_pixel_ratio\.[^/]+/[^/]+')
_COUNTED = frozenset({'gflops', 'gmacs', 'params_millions', 'training_gmacs', 'training_gmacs_trunk'})
_TEXT = ('statement', 'section', 'how')

# What each relation needs: how many experiments in `than` (None: any number from 1 on), a value, a margin.
_SHAPES: Mapping[str, tuple[int | None, bool, bool]] = {
    'greater': (None, False, False),
    'less': (None, False, False),
    'equal': (None, False, True),
    'ratio': (1, True, True),
    'ratio_at_least': (1, True, False),
    'value': (0, True, True),
    'at_least': (0, True, False),
    'at_most': (0, True, False),
    'order': (None, True, False),
}
_TWO_SIDED = ('equal', 'ratio')
_WITHOUT_MARGIN = ('ratio_at_least', 'at_least', 'at_most', 'order')


class Claims(Mapping[str, Claim]):
    """The claims of a folder by id, in the order of the files; read and checked when first asked for.

    Most commands never ask, and reading takes longer than all the rest of the catalogue. Whatever is asked first
    raises ``CatalogueError`` where a file breaks a rule.
    """

    def __init__(self, folder: Path, experiments: Mapping[str, Experiment], metrics: Mapping[str, str]):
        self._folder, self._experiments, self._metrics = folder, experiments, metrics

    def __getitem__(self, key: str) -> Claim:
        return self._claims[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._claims)

    def __len__(self) -> int:
        return len(self._claims)

    @cached_property
    def _claims(self) -> dict[str, Claim]:
        return load(self._folder, self._experiments, self._metrics)


def load(folder: Path, experiments: Mapping[str, Experiment], metrics: Mapping[str, str]) -> dict[str, Claim]:
    """Read every ``*.yaml`` of ``folder``; none where there is no such folder.

    Args:
        experiments: all rows of the catalogue.
        metrics: what a check may speak of, ``catalogue.CLAIM_METRICS``; of classes there is more.

    Raises:
        CatalogueError: a claim breaks a rule; the message names the file, the claim, the value and the choices.
    """
    claims: dict[str, Claim] = {}
    for file in sorted(folder.glob('*.yaml')):
        content = rows.read(file)
        if not isinstance(content, dict):
            raise CatalogueError(f'{file.name}: expected a mapping from the id of a claim to its fields')
        for name, row in content.items():
            require(str(name) not in claims, file.name, str(name), 'another file has a claim of this id')
            claims[str(name)] = _claim(file, str(name), row, experiments, metrics)
    _check_rows(claims, experiments)
    return claims


def _claim(file: Path, name: str, row: Any, experiments: Mapping[str, Experiment], metrics: Mapping[str, str]) -> Claim:
    at = file.name, name
    require(isinstance(row, dict), *at, f'a claim is a mapping of {", ".join(rows.keys(Claim))}, not {row!r}')
    require(_ID.fullmatch(name) is not None, *at, 'an id is a letter and two digits')
    require('id' not in row, *at, "'id' is the key of the claim and is not repeated in it")
    claim: Claim = rows.record(Claim, {'id': name, **row}, f'{file.name}, {name}', {'checks': Check})
    require_text(claim, _TEXT, *at)
    require(bool(claim.experiments), *at, "'experiments' is empty; a claim speaks of at least one")
    _require_once(claim.experiments, *at)
    for experiment in claim.experiments:
        require_known(experiment, experiments, *at, f'unknown experiment {experiment!r}')
        rule = f'experiment {experiment!r} belongs to another report than {file.stem!r}'
        require(experiments[experiment].report == file.stem, *at, rule)
    open_question = claim.method == 'none'
    require(bool(claim.checks) != open_question, *at, "'checks' are given unless the method is none, and only then")
    require(bool(claim.reason) == open_question, *at, "'reason' says why no metric can decide it, and only then")
    for index, check in enumerate(claim.checks):
        where = file.name, f'{name}, checks[{index}]'
        _check_metric(check, claim, metrics, *where)
        _check_shape(check, *where)
        _check_names(check, claim, *where)
    return claim


def _check_metric(check: Check, claim: Claim, metrics: Mapping[str, str], file: str, row: str) -> None:
    if not any(form.fullmatch(check.metric) for form in (_CLASS_IOU, _PIXEL_RATIO)):
        require_known(check.metric, metrics, file, row, f'unknown metric {check.metric!r}')
    counted = check.metric in _COUNTED or _PIXEL_RATIO.fullmatch(check.metric) is not None
    require(claim.method != 'counted' or counted, file, row, f'{check.metric} is not counted, as the method says')
    bound = check.metric == 'steps_to_loss' and check.relation in _TWO_SIDED
    rule = (
        f'{check.relation} asks for steps_to_common_loss: a run that never gets to a loss bounds its steps from below'
    )
    require(not bound, file, row, rule)


def _check_shape(check: Check, file: str, row: str) -> None:
    others, value, margin = _SHAPES[check.relation]
    found, wanted = len(check.than), 'one or more' if others is None else others
    fits = found >= 1 if others is None else found == others
    require(fits, file, row, f'{check.relation} compares with {wanted} experiments in "than", not {found}')
    require(check.value is not None or not value, file, row, f"{check.relation} needs a 'value'")
    require(check.margin is not None or not margin, file, row, f"{check.relation} needs a 'margin'")
    without = check.margin is None or check.relation not in _WITHOUT_MARGIN
    require(without, file, row, f'{check.relation} has no margin, not {check.margin}')
    if check.margin is not None and margin:
        require(check.margin > 0, file, row, f'margin {check.margin} of {check.relation} is not positive')
    if check.relation in ('ratio', 'ratio_at_least'):
        require((check.value or 0) > 0, file, row, f'value {check.value} is no ratio')
        require((check.margin or 0) < 1, file, row, f'margin {check.margin} of a ratio is a share below 1')
    if check.relation == 'order':
        require(
            -1 <= (check.value or 0) <= 1, file, row, f"value {check.value} is no Kendall's tau, which is in [-1, 1]"
        )


def _check_names(check: Check, claim: Claim, file: str, row: str) -> None:
    named = check.of, *check.than
    _require_once(named, file, row)
    for experiment in named:
        require_known(experiment, claim.experiments, file, row, f"{experiment!r} is not among the claim's experiments")


def _check_rows(claims: Mapping[str, Claim], experiments: Mapping[str, Experiment]) -> None:
    """Check that claims and rows name each other."""
    for claim in claims.values():
        for name in claim.experiments:
            rule = f'names {name!r}, whose row does not list it under claims'
            require(claim.id in experiments[name].claims, f'{experiments[name].report}.yaml', claim.id, rule)
    for experiment in experiments.values():
        for name in experiment.claims if claims else ():
            file = f'{experiment.report}.yaml'
            require_known(name, claims, file, experiment.id, f'unknown claim {name!r}')
            rule = f'lists claim {name!r}, which does not name it'
            require(experiment.id in claims[name].experiments, file, experiment.id, rule)


def _require_once(names: Sequence[str], file: str, row: str) -> None:
    twice = next((first for first, second in pairwise(sorted(names)) if first == second), None)
    require(twice is None, file, row, f'{twice!r} is named twice')
