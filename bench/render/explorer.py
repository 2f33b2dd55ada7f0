"""What the page's script works on: models, runs, claims, tables and images as plain JSON. Nothing here is drawn.

Percent is 0 to 100; what was not measured is null. Rows refer to each other by their place in these lists.
"""

import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from bench import store
from bench.claims import MEASURED, Answer, Finding, Verdict
from bench.judging.uncertainty import LEVEL, Spread, estimate, pooled_spread
from bench.records import Receipt
from bench.render import costs, effects, images, verdicts
from bench.render.document import Document
from bench.render.gather import Row, class_names, lookup, settings_of
from bench.render.tables import Table, class_iou, miou_deviation
from bench.settings import Setting

EMBEDDED_RUNS = 2000
"""Up to this many receipts are on the page themselves; of more, only links to them."""

_FILES = ('receipt.json', 'config.py', 'curves.csv', 'lr_range.csv', store.MATRICES, 'log.txt')
_BLOCKS = ('metrics', 'train_metrics', 'validation', 'cost', 'run_cost', 'latency', 'memory', 'train', 'init',
           'selection', 'selected', 'precise_bn', 'centre', 'boundary', 'objects', 'auto_label', 'data',
           'environment')  # fmt: skip
_LEFT_OUT = frozenset({'samples_us', 'macs_by_operator', 'uncounted_operators', 'per_class_iou', 'classes', 'region'})
_GIB = 2**30
_RELATIONS = {
    'greater': 'greater than that of {}',
    'less': 'less than that of {}',
    'equal': 'equal to that of {}',
    'ratio': 'a certain multiple of that of {}',
    'ratio_at_least': 'at least a certain multiple of that of {}',
    'value': 'as expected',
    'at_least': 'at least a certain number',
    'at_most': 'at most a certain number',
    'order': 'below that of {}, in this order',
}
"""What a check asks of a metric, in words; ``{}`` are the experiments it is compared with."""


def data(document: Document, out: Path | None = None) -> dict[str, Any]:
    """Return everything that the page's script shows; links are relative to ``out`` (None: there are none)."""
    rows = [row for row in document.rows if row.runs]
    settings = settings_of(rows)
    place = {setting: index for index, setting in enumerate(settings)}
    usual = {setting: costs.usual(row for row in rows if row.setting == setting) for setting in settings}
    spreads = {setting: _spread(row for row in rows if row.setting == setting) for setting in settings}
    runs: list[dict[str, Any]] = []
    models = []
    embed = sum(len(row.runs) for row in rows) <= EMBEDDED_RUNS
    for row in rows:
        first = len(runs)
        runs += [_run(row, folder, receipt, out, embed) for folder, receipt in row.runs]
        certain = _certainty(row, spreads.get(row.setting) if row.setting else None)
        models.append(_model(row, place, usual) | certain | {'runs': list(range(first, len(runs)))})
    return {
        'settings': [
            {'label': one.label, 'slug': one.slug, 'smoke': one.smoke, 'device': usual[one]} for one in settings
        ],
        'models': models,
        'runs': runs,
        'claims': _claims(document),
        'signs': verdicts.SIGNS,
        'tables': {table.name: _table(table, out) for table in document.tables},
        'classes': _classes(rows, document.figured),
        'images': _images(rows, document.figured, out),
    }


def link(path: Path, out: Path | None) -> str | None:
    """Return ``path`` relative to the report's folder, as a link; None where there is no such file."""
    return Path(os.path.relpath(path, out)).as_posix() if out is not None and path.exists() else None


def _model(row: Row, place: Mapping[Setting, int], usual: Mapping[Setting, str]) -> dict[str, Any]:
    miou = row.spread('metrics', 'miou')
    timed, on = costs.latency(row), usual[row.setting] if row.setting else ''
    alike = timed is not None and timed.apparatus == on
    documented, split = row.documented_miou()
    return {
        'key': row.key,
        'id': row.experiment,
        'report': row.report,
        'setting': place[row.setting] if row.setting else None,
        'status': row.status,
        'reason': row.reason,
        'marks': row.marks,
        'smoke': row.smoke,
        'seeds': len(row.ok),
        'miou': _rounded(miou.mean),
        'pixel': _rounded(row.spread('metrics', 'pixel_accuracy').mean),
        'documented': documented,
        'split': split if documented is not None else '',
        'deviation': _rounded(miou_deviation(row)),
        'latency': _rounded(timed.p50_ms) if timed else None,
        'device': timed.apparatus if timed else '',
        # Says where a latency was measured on something else than most of the setting's, beside which it misleads.
        'aside': f'{timed.p50_ms:.1f} ({", ".join(costs.aside(timed, on))})' if timed and not alike else '',
        'contended': timed is not None and timed.contended,
        'inference': _rounded(_divided(costs.memory(row, 'inference'), _GIB)),
        'training': _rounded(_divided(costs.memory(row, 'train'), _GIB)),
        'gflops': _rounded(_divided(row.first('run_cost', 'flops'), 1e9)),
        'params': _rounded(_divided(row.first('run_cost', 'params'), 1e6)),
        'wall': _rounded(costs.training_time(row)[0]),
        'epochs': _rounded(row.spread('train', 'epochs').mean),
        'share': _rounded(costs.share_of_documented(row)),
    }


def _spread(rows: Iterable[Row]) -> Spread | None:
    """Return the spread of the mIoU over seeds within each of ``rows``, pooled as the judge does."""
    return pooled_spread([row.spread('metrics', 'miou').values for row in rows])


def _certainty(row: Row, usual: Spread | None) -> dict[str, Any]:
    """Return the standard error over seeds of a row's mean mIoU, and its 95 % interval with half its width.

    Seeds that show no spread, a single one above all, borrow the ``usual`` one; null where there is none.
    """
    values = row.spread('metrics', 'miou').values
    made = estimate(values, usual=usual) if values else None
    if made is None or not made.error:
        return dict.fromkeys(('error', 'half', 'low', 'high')) | {'borrowed': False}
    half = made.half_width(0.5 + LEVEL / 2)
    return {
        'error': _rounded(made.error),
        'half': _rounded(half),
        'low': _rounded(max(0.0, made.effect - half)),
        'high': _rounded(min(100.0, made.effect + half)),
        'borrowed': made.borrowed,
    }


def _run(row: Row, folder: Path, receipt: Receipt, out: Path | None, embed: bool) -> dict[str, Any]:
    base = link(folder, out)
    values: dict[str, Any] = {
        'id': receipt.id,
        'seed': receipt.seed,
        'status': receipt.status,
        'reason': receipt.reason,
        'miou': _rounded(lookup(receipt, 'metrics', 'miou')),
        'older': receipt.id in row.older,
        'link': base,
        'files': [name for name in _FILES if (folder / name).is_file()] if base else [],
    }
    if embed:
        blocks = {name: _flat(getattr(receipt, name)) for name in _BLOCKS if getattr(receipt, name)}
        top = {'key': receipt.key, 'wall_sec': receipt.wall_sec, 'resumed': receipt.resumed}
        values['receipt'] = {'run': top, **blocks}
    return values


def _flat(block: Mapping[str, Any], prefix: str = '') -> dict[str, Any]:
    """Return the block without nesting and without its long lists."""
    flat: dict[str, Any] = {}
    for key, value in block.items():
        if key in _LEFT_OUT:
            continue
        if isinstance(value, Mapping):
            flat |= _flat(value, f'{prefix}{key}.')
        else:
            flat[prefix + key] = 'x'.join(map(str, value)) if isinstance(value, list | tuple) else _rounded(value)
    return flat


def _claims(document: Document) -> list[dict[str, Any]]:
    judged = document.judged
    by_claim: dict[str, list[Verdict]] = {}
    for verdict in judged.verdicts:
        by_claim.setdefault(verdict.claim, []).append(verdict)
    listed = []
    for claim in verdicts.claims_of(document.catalogue):
        best = judged.of(claim.id)
        listed.append(
            {
                'id': claim.id,
                'report': verdicts.report_of(claim),
                'statement': claim.statement,
                'section': claim.section,
                'experiments': list(claim.experiments),
                'method': claim.method,
                'how': claim.how,
                'magnitude': claim.magnitude,
                'own': claim.own_data,
                'known': claim.known,
                'needs': list(claim.needs),
                'answer': best.answer if best else verdicts.NOT_JUDGED,
                'told': verdicts.named(best),
                'budget': _budget(best),
                'setting': best.setting if best else '',
                'effect': effects.effect(best),
                'reason': verdicts.why(claim, judged),
                'evidence': list(best.evidence) if best else [],
                'verdicts': [_verdict(one) for one in by_claim.get(claim.id, [])],
            }
        )
    return listed


def _budget(verdict: Verdict | None) -> str:
    """Say whether a measured verdict rests on shorter trainings than documented; empty where nothing was measured."""
    if verdict is None or verdict.answer not in MEASURED:
        return ''
    return 'reduced' if verdict.reduced_budget else 'not reduced'


def _verdict(verdict: Verdict) -> dict[str, Any]:
    return {
        'answer': verdict.answer,
        'told': verdicts.named(verdict),
        'setting': verdict.setting,
        'effect': effects.effect(verdict),
        'seeds': verdicts.seeds(verdict),
        'reason': verdict.reason,
        'evidence': list(verdict.evidence),
        'findings': [_finding(one, verdict.answer) for one in verdict.findings],
    }


def _finding(finding: Finding, verdict: Answer) -> str:
    """Return what came of a check; that it is so by itself, where the verdict that it is a part of says otherwise."""
    check, aside = finding.check, '' if finding.answer == verdict else ' by itself'
    # A name of an experiment keeps its small letter.
    reason = f'T{finding.reason[1:]}' if finding.reason.startswith('the ') else finding.reason
    asked = _RELATIONS[check.relation].format(', '.join(check.than))
    return f'{check.metric} of {check.of} {asked}: {finding.answer}{aside}. {reason}'.strip()


def _table(table: Table, out: Path | None) -> dict[str, Any]:
    return {
        'columns': list(table.columns),
        'text': [table.is_text(column) for column in range(len(table.columns))],
        'scores': [column in table.scores for column in table.columns],
        'mixed': [table.is_mixed(column) for column in range(len(table.columns))],
        'sorts': [table.sorts.get(column) for column in table.columns],
        'rows': [list(row) for row in table.rows],
        'marks': list(table.marks),
        'keys': list(table.keys),
        'files': [link(Path(file), out) if file else None for file in table.files],
    }


def _classes(rows: Sequence[Row], figured: Sequence[Setting]) -> list[dict[str, Any]]:
    """Return the IoU of each class of every row in the settings that are drawn."""
    found = []
    for setting in figured:
        own = [row for row in rows if row.setting == setting and row.first('metrics', 'per_class_iou')]
        names = class_names(own)
        listed = [
            {'key': row.key, 'id': row.experiment, 'iou': [_rounded(class_iou(row, name)) for name in names]}
            for row in own
        ]
        if listed:
            found.append({'setting': setting.label, 'smoke': setting.smoke, 'names': names, 'rows': listed})
    return found


def _images(rows: Sequence[Row], figured: Sequence[Setting], out: Path | None) -> list[dict[str, Any]]:
    found = []
    for row in rows:
        if row.setting is None or row.setting not in figured or not row.ok:
            continue
        listed = [[one.stem, _rounded(one.miou), one.panels, one.scales] for one in images.worst(row)]
        if listed:
            panels = link(row.ok[0][0] / 'panels', out)
            found.append({'key': row.key, 'id': row.experiment, 'setting': row.setting.label, 'link': panels,
                          'smoke': row.smoke, 'images': listed})  # fmt: skip
    return found


def _rounded(value: Any) -> Any:
    """Return a number with the digits that a reader can use; whatever else it is stays as it is."""
    if not isinstance(value, float):
        return value
    return None if value != value else float(f'{value:.6g}')


def _divided(value: float | None, unit: float) -> float | None:
    return None if value is None else value / unit
