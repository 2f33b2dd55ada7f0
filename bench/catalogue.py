"""Documented experiments: ``reports/documented/*.yaml`` read, checked and joined into one catalogue.

A file holds the head of a report (``Report``'s fields) and ``experiments``, a mapping from id to the fields of
``Experiment``. Everything is checked on load, so that a typing slip never becomes a missing number.
"""

import difflib
import re
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import fields
from fnmatch import fnmatchcase
from pathlib import Path
from types import MappingProxyType
from typing import Any

import yaml
from pydantic import ConfigDict, TypeAdapter, ValidationError

from bench.errors import CatalogueError, UnknownName
from bench.records import Catalogue, Documented, Experiment, Recomputed, Report

METRICS = {
    'miou': 'percent',
    'val_miou': 'percent',
    'train_miou': 'percent',
    'first_miou': 'percent',
    'last_miou': 'percent',
    'pixel_accuracy': 'percent',
    'first_pixel_accuracy': 'percent',
    'class_accuracy': 'percent',
    'gflops': 'GFLOPs',
    'gmacs': 'GMACs',
    'params_millions': 'millions',
    'relative_cost': 'ratio',
    'memory_gb': 'GB',
    'sec_per_epoch': 's',
    'sec_per_step': 's',
    'train_sec': 's',
    'train_loss': 'nats',
    'val_loss': 'nats',
}
"""What may be documented, and its unit. ``miou`` is the score on the report's evaluation split, ``first_`` the value
after the first epoch, ``last_`` the one after the last. ``iou.<class>`` (percent) is the score of one class."""

_CLASS_IOU = 'iou.'
_ID = re.compile(r'[a-z][a-z0-9_]*/[a-z][a-z0-9_]*')
_CLAIM = re.compile(r'[A-Z]\d{2}')
_PROVENANCE = frozenset('RTCBI')
_HEAD = [field.name for field in fields(Report)]
_STRICT = ConfigDict(extra='forbid', allow_inf_nan=False)
# Wrapped in a tuple because a bare dataclass brings its own configuration, which would allow unknown keys.
_EXPERIMENTS = TypeAdapter(tuple[Experiment], config=_STRICT)
_REPORTS = TypeAdapter(tuple[Report], config=_STRICT)


class _Loader(yaml.CSafeLoader):
    """YAML that refuses a repeated key, where the library's own loader keeps the last one."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            if key.value in seen:
                line = key.start_mark.line + 1
                raise CatalogueError(f'line {line}: {key.value!r} occurs twice; every id and key is given once')
            seen.add(key.value)
        return super().construct_mapping(node, deep=deep)


def load(folder: Path) -> Catalogue:
    """Read every ``*.yaml`` of ``folder``.

    Returns:
        The catalogue, in the order of the file names and of the rows in each.

    Raises:
        CatalogueError: the folder has no such file, or a row breaks a rule; the message names the file, the row, the
            key, the value and the choices.
    """
    files = sorted(folder.glob('*.yaml'))
    if not files:
        raise CatalogueError(f'{folder} holds no *.yaml file; a catalogue has one for each report')
    reports: dict[str, Report] = {}
    experiments: dict[str, Experiment] = {}
    for file in files:
        report, rows = _read(file)
        reports[report.slug] = report
        experiments |= {row.id: row for row in rows}
    _check_parents(experiments)
    return Catalogue(MappingProxyType(reports), MappingProxyType(experiments))


def select(experiments: Iterable[str], patterns: Sequence[str]) -> list[str]:
    """Return the ids that match any of the shell patterns, in the order of ``experiments``; all for no pattern.

    Raises:
        UnknownName: a pattern matches nothing; names the nearest ids.
    """
    known = list(experiments)
    chosen: set[str] = set()
    for pattern in patterns:
        matches = {name for name in known if fnmatchcase(name, pattern)}
        if not matches:
            raise UnknownName('experiment', pattern, known)
        chosen |= matches
    return [name for name in known if name in chosen or not patterns]


def _read(file: Path) -> tuple[Report, list[Experiment]]:
    try:
        content = yaml.load(file.read_bytes(), _Loader)
    except CatalogueError as error:
        raise CatalogueError(f'{file.name}: {error}') from None
    except yaml.YAMLError as error:
        raise CatalogueError(f'{file.name}: not YAML: {" ".join(str(error).split())}') from error
    if not isinstance(content, dict) or not isinstance(content.get('experiments'), dict):
        raise CatalogueError(f'{file.name}: expected {", ".join(_HEAD)} and a mapping "experiments" from id to row')
    head = {key: value for key, value in content.items() if key != 'experiments'}
    report: Report = _validated(_REPORTS, head, f'{file.name}, head')
    _require(report.slug == file.stem, file.name, 'head', f'slug {report.slug!r} must be the file name {file.stem!r}')
    _check_text(report, _HEAD, file.name, 'head')
    rows = [_experiment(file.name, report.slug, str(name), row) for name, row in content['experiments'].items()]
    return report, rows


def _experiment(file: str, slug: str, name: str, row: Any) -> Experiment:
    _require(isinstance(row, dict), file, name, f'a row is a mapping of {", ".join(_keys(()))}, not {row!r}')
    _require('id' not in row, file, name, "'id' is the key of the row and is not repeated in it")
    _require(
        _ID.fullmatch(name) is not None, file, name, 'an id is <report>/<name>, lower case, with an optional __<arm>'
    )
    _require(name.split('/')[0] == slug, file, name, f'the id belongs to another report than {slug!r}')
    experiment: Experiment = _validated(_EXPERIMENTS, {'id': name, **row}, f'{file}, {name}')
    _check_text(experiment, ('title', 'section', 'provenance'), file, name)
    _check_numbers(experiment, file)
    letters = set(experiment.provenance.split())
    _require(letters <= _PROVENANCE, file, name, f'provenance {experiment.provenance!r}: letters of R, T, C, B, I')
    for claim in experiment.claims:
        _require(_CLAIM.fullmatch(claim) is not None, file, name, f'claim {claim!r} is not a letter and two digits')
    silent = experiment.status == 'undescribed' or not experiment.documented
    _require(bool(experiment.reason) == silent, file, name, _REASON_RULE)
    return experiment


_REASON_RULE = "'reason' says why there is no documented number or no description, and is given only then"


def _check_numbers(experiment: Experiment, file: str) -> None:
    for index, number in enumerate(experiment.documented):
        where = f'{experiment.id}, documented[{index}]'
        unit = 'percent' if number.metric.startswith(_CLASS_IOU) else METRICS.get(number.metric)
        _require(unit is not None, file, where, f'unknown metric {number.metric!r}{_hint(number.metric, METRICS)}')
        _require(number.unit == unit, file, where, f'unit {number.unit!r}: {number.metric} is given in {unit!r}')
        _require(unit != 'percent' or 0 <= number.value <= 100, file, where, f'{number.value} is no percentage')
        _require(bool(number.source.strip()), file, where, "'source' is empty; every number says where it stands")
    for index, cost in enumerate(experiment.recomputed):
        where = f'{experiment.id}, recomputed[{index}]'
        _require(bool(cost.source.strip()), file, where, "'source' is empty; every number says where it stands")
        _require(cost.gmacs is None or cost.input_shape is not None, file, where, "'gmacs' needs an 'input_shape'")


def _check_parents(experiments: Mapping[str, Experiment]) -> None:
    for experiment in experiments.values():
        for parent in experiment.parents:
            known = parent in experiments and parent != experiment.id
            rule = f'parent {parent!r} is no other experiment{_hint(parent, experiments)}'
            _require(known, f'{experiment.report}.yaml', experiment.id, rule)


def _check_text(record: Any, keys: Iterable[str], file: str, row: str) -> None:
    for key in keys:
        _require(bool(getattr(record, key).strip()), file, row, f'{key!r} is empty')


def _require(holds: bool, file: str, row: str, rule: str) -> None:
    if not holds:
        raise CatalogueError(f'{file}, {row}: {rule}')


def _validated(adapter: TypeAdapter, values: Any, where: str) -> Any:
    try:
        return adapter.validate_python((values,))[0]
    except ValidationError as error:
        details = error.errors(include_url=False)
        # A misspelt key shows up twice, as unknown and as missing; the unknown one carries the typing slip.
        detail = next((d for d in details if d['type'] == 'unexpected_keyword_argument'), details[0])
        path = detail['loc'][1:]
        key = '.'.join(str(step) for step in path)
        if detail['type'] == 'unexpected_keyword_argument':
            known = _keys(path) if adapter is _EXPERIMENTS else _HEAD
            raise CatalogueError(f'{where}: unknown key {key!r}{_hint(str(path[-1]), known)}') from None
        value = '' if detail['type'] == 'missing' else f', not {detail["input"]!r}'
        raise CatalogueError(f'{where}: {key!r}: {detail["msg"].lower()}{value}') from None


def _keys(path: Sequence[str | int]) -> list[str]:
    """Return the keys that a row may have at ``path``."""
    nested = {'documented': Documented, 'recomputed': Recomputed}
    record = nested[str(path[0])] if len(path) > 1 else Experiment
    return [field.name for field in fields(record) if field.name != 'id']


def _hint(name: str, known: Iterable[str]) -> str:
    known = list(known)
    near = difflib.get_close_matches(name, known, n=3, cutoff=0.5)
    return f'; did you mean {", ".join(near)}?' if near else f'; choose from {", ".join(known[:20])}'
