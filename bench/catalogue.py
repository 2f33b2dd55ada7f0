"""Documented experiments: ``reports/documented/*.yaml`` read, checked and joined into one catalogue.

A file holds the head of a report (``Report``'s fields) and ``experiments``, a mapping from id to the fields of
``Experiment``. Everything is checked on load, so that a typing slip never becomes a missing number.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from types import MappingProxyType
from typing import Any

from bench import rows
from bench.claim_catalogue import Claims
from bench.errors import CatalogueError, UnknownName
from bench.experiments import Catalogue, Documented, Experiment, Recomputed, Report
from bench.rows import require, require_known, require_text

METRICS = {
    'miou': 'percent',
    'val_miou': 'percent',
    'train_miou': 'percent',
    'first_miou': 'percent',
    'last_miou': 'percent',
    'pixel_accuracy': 'percent',
    'val_pixel_accuracy': 'percent',
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

CLAIM_METRICS = {
    'miou': 'percent',
    'pixel_accuracy': 'percent',
    'class_accuracy': 'percent',
    'miou_absent_as_zero': 'percent',
    'miou_per_image': 'percent',
    'miou_small': 'percent',
    'miou_large': 'percent',
    'boundary_f': 'percent',
    'train_miou': 'percent',
    'train_pixel_accuracy': 'percent',
    'val_miou': 'percent',
    'generalisation_gap': 'percent',
    'gflops': 'GFLOPs',
    'gmacs': 'GMACs',
    'params_millions': 'millions',
    'training_gmacs': 'GMACs',
    'training_gmacs_trunk': 'GMACs',
    'latency_ms': 'ms',
    'train_memory_gb': 'GB',
    'inference_memory_gb': 'GB',
    'sec_per_step': 's',
    'sec_per_epoch': 's',
    'final_train_loss': 'nats',
    'final_val_loss': 'nats',
    'steps_to_loss': 'steps',
    'steps_to_common_loss': 'steps',
    'train_loss_std': 'nats',
    'val_miou_std': 'percent',
    'first_pixel_accuracy': 'percent',
    'accuracy_slope': 'percent an epoch',
    'loss_bump': 'ratio',
}
"""What a claim may speak of, and its unit: scores of the last checkpoint, counts of the documented network, times, and
what follows from curves. ``iou.<class>`` (percent) and ``class_pixel_ratio.<a>/<b>`` name classes of the data set."""

_CLASS_IOU = 'iou.'
_ID = re.compile(r'[a-z][a-z0-9_]*/[a-z][a-z0-9_]*')
_CLAIM = re.compile(r'[A-Z]\d{2}')
_PROVENANCE = frozenset('RTCBI')
_HEAD = rows.keys(Report)
_NESTED = {'documented': Documented, 'recomputed': Recomputed}


def load(folder: Path) -> Catalogue:
    """Read every ``*.yaml`` of ``folder``; the claims in ``claims/`` below it are read when first asked for.

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
        report, found = _read(file)
        reports[report.slug] = report
        experiments |= {row.id: row for row in found}
    _check_parents(experiments)
    claims = Claims(folder / 'claims', experiments, CLAIM_METRICS)
    return Catalogue(MappingProxyType(reports), MappingProxyType(experiments), claims)


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
            if named := [name for name in known if name.split('/')[-1] == pattern]:
                raise UnknownName('experiment', pattern, named, rule='an id begins with its report')
            raise UnknownName('experiment', pattern, known)
        chosen |= matches
    return [name for name in known if name in chosen or not patterns]


def _read(file: Path) -> tuple[Report, list[Experiment]]:
    content = rows.read(file)
    if not isinstance(content, dict) or not isinstance(content.get('experiments'), dict):
        raise CatalogueError(f'{file.name}: expected {", ".join(_HEAD)} and a mapping "experiments" from id to row')
    head = {key: value for key, value in content.items() if key != 'experiments'}
    report: Report = rows.record(Report, head, f'{file.name}, head')
    require(report.slug == file.stem, file.name, 'head', f'slug {report.slug!r} must be the file name {file.stem!r}')
    require_text(report, _HEAD, file.name, 'head')
    found = [_experiment(file.name, report.slug, str(name), row) for name, row in content['experiments'].items()]
    return report, found


def _experiment(file: str, slug: str, name: str, row: Any) -> Experiment:
    require(isinstance(row, dict), file, name, f'a row is a mapping of {", ".join(rows.keys(Experiment))}, not {row!r}')
    require('id' not in row, file, name, "'id' is the key of the row and is not repeated in it")
    require(
        _ID.fullmatch(name) is not None, file, name, 'an id is <report>/<name>, lower case, with an optional __<arm>'
    )
    require(name.split('/')[0] == slug, file, name, f'the id belongs to another report than {slug!r}')
    experiment: Experiment = rows.record(Experiment, {'id': name, **row}, f'{file}, {name}', _NESTED)
    require_text(experiment, ('title', 'section', 'provenance'), file, name)
    _check_numbers(experiment, file)
    letters = set(experiment.provenance.split())
    require(letters <= _PROVENANCE, file, name, f'provenance {experiment.provenance!r}: letters of R, T, C, B, I')
    for claim in experiment.claims:
        require(_CLAIM.fullmatch(claim) is not None, file, name, f'claim {claim!r} is not a letter and two digits')
    silent = experiment.status == 'undescribed' or not experiment.documented
    require(bool(experiment.reason) == silent, file, name, _REASON_RULE)
    return experiment


_REASON_RULE = "'reason' says why there is no documented number or no description, and is given only then"


def _check_numbers(experiment: Experiment, file: str) -> None:
    for index, number in enumerate(experiment.documented):
        where = f'{experiment.id}, documented[{index}]'
        of_class = number.metric.startswith(_CLASS_IOU)
        if not of_class:
            require_known(number.metric, METRICS, file, where, f'unknown metric {number.metric!r}')
        unit = 'percent' if of_class else METRICS[number.metric]
        require(number.unit == unit, file, where, f'unit {number.unit!r}: {number.metric} is given in {unit!r}')
        require(unit != 'percent' or 0 <= number.value <= 100, file, where, f'{number.value} is no percentage')
        require(bool(number.source.strip()), file, where, "'source' is empty; every number says where it stands")
    for index, cost in enumerate(experiment.recomputed):
        where = f'{experiment.id}, recomputed[{index}]'
        require(bool(cost.source.strip()), file, where, "'source' is empty; every number says where it stands")
        require(cost.gmacs is None or cost.input_shape is not None, file, where, "'gmacs' needs an 'input_shape'")


def _check_parents(experiments: Mapping[str, Experiment]) -> None:
    for experiment in experiments.values():
        others = experiments.keys() - {experiment.id} if experiment.parents else ()
        for parent in experiment.parents:
            rule = f'parent {parent!r} is no other experiment'
            require_known(parent, others, f'{experiment.report}.yaml', experiment.id, rule)
