"""Tables from rows: text tables for people, data frames for machines.

Percent is 0 to 100. A cell without a measurement is a dash in a text table and empty in a CSV file.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import pandas as pd
from tabulate import tabulate

from bench.records import Catalogue
from bench.render import cells
from bench.render.gather import Row, class_names, lookup
from bench.settings import Setting

SMOKE_NOTE = 'Smoke is not evidence: such a run only shows that the experiment runs; its scores mean nothing.'


@dataclass(frozen=True)
class Table:
    """A table as text: ``marks`` has one of ``ok``, ``smoke``, ``failed``, ``absent`` for each row.

    ``text_columns`` columns from the left are text; those in ``scores`` mean nothing in a row marked ``smoke``.
    ``keys`` has the name of the row's runs (``Row.key``) for each row, or is empty; ``files`` likewise has the path of
    the one file that all numbers of a row come from.
    """

    name: str
    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    marks: tuple[str, ...]
    text_columns: int = 1
    scores: frozenset[str] = frozenset()
    keys: tuple[str, ...] = ()
    files: tuple[str, ...] = ()

    def greyed(self, row: int, column: int) -> bool:
        """Say whether a cell is a score that proves nothing."""
        return (
            self.marks[row] == 'smoke' and self.columns[column] in self.scores and self.rows[row][column] != cells.DASH
        )

    def is_text(self, column: int) -> bool:
        """Say whether a column holds words, which are aligned left."""
        return column < self.text_columns or self.columns[column] in _PROSE

    def markdown(self) -> str:
        """Return the table in Markdown; scores of smoke runs are in italics."""
        body = [
            [f'*{text}*' if self.greyed(index, place) else text for place, text in enumerate(map(cells.markdown, row))]
            for index, row in enumerate(self.rows)
        ]
        header = [cells.markdown(column) for column in self.columns]
        return tabulate(body, header, tablefmt='pipe', disable_numparse=True, colalign=self._align())

    def latex(self) -> str:
        """Return the table for a LaTeX document that uses ``booktabs``."""
        text = [[cell.replace(cells.DASH, '--') for cell in row] for row in self.rows]
        return tabulate(text, self.columns, tablefmt='latex_booktabs', disable_numparse=True, colalign=self._align())

    def _align(self) -> list[str]:
        return ['left' if self.is_text(column) else 'right' for column in range(len(self.columns))]


_PROSE = frozenset({'Setting', 'Status', 'Why', 'Initial weights', 'Claims', 'Seeds', 'Own data', 'Inference'})
_SCORES = frozenset(
    {
        'mIoU (%)', 'Deviation', 's.d. over seeds', '95 % over images', 'Pixel acc. (%)', 'Class acc. (%)',
        'Train mIoU (%)',
    }
)  # fmt: skip
_Cell = Callable[[Row], str]


def accuracy(report: str, rows: Sequence[Row], claims: _Cell = lambda row: cells.DASH) -> Table:
    """Return what was documented and measured for every experiment of a report, and ``claims``: the verdicts on it."""
    columns: dict[str, _Cell] = {
        'Experiment': lambda row: row.name,
        'Setting': _setting,
        'Documented mIoU (%)': documented_miou,
        'mIoU (%)': lambda row: cells.number(row.spread('metrics', 'miou').mean),
        'Deviation': lambda row: cells.signed(miou_deviation(row)),
        'seeds': lambda row: str(len(row.ok)) if row.ok else cells.DASH,
        's.d. over seeds': lambda row: cells.number(row.spread('metrics', 'miou').deviation),
        '95 % over images': over_images,
        'Pixel acc. (%)': lambda row: cells.number(row.spread('metrics', 'pixel_accuracy').mean),
        'Class acc. (%)': lambda row: cells.number(row.spread('metrics', 'class_accuracy').mean),
        'Train mIoU (%)': lambda row: cells.number(row.spread('train_metrics', 'miou').mean),
        'Initial weights': initial_weights,
        'Claims': claims,
        'Status': lambda row: '; '.join([row.status, *row.marks]),
        'Why': lambda row: row.reason,
    }
    return _table(f'{report}-accuracy', f'{report}: accuracy', columns, rows, text_columns=2)


def cost(report: str, rows: Sequence[Row]) -> Table:
    """Return the documented and the counted cost of every experiment of a report, and what its runs took."""
    columns: dict[str, _Cell] = {
        'Experiment': lambda row: row.name,
        'Setting': _setting,
        'Documented GFLOPs': lambda row: _plain(_documented(row, 'gflops')),
        'Counted GFLOPs': lambda row: cells.scaled(row.first('cost', 'flops'), 1e9),
        'Deviation (%)': lambda row: cells.signed(deviation_percent(row)),
        'at': lambda row: shape(row.first('cost', 'input_shape')),
        'Params (M)': lambda row: cells.scaled(row.first('cost', 'params'), 1e6),
        'Latency p50 (ms)': _latency,
        'Train memory (GiB)': lambda row: cells.scaled(row.first('memory', 'train_peak_bytes'), 2**30),
        'Inference memory (GiB)': lambda row: cells.scaled(row.first('memory', 'inference_peak_bytes'), 2**30),
        'Training time': lambda row: cells.duration(row.spread('train', 'wall_sec').mean),
        'Steps': lambda row: _plain(row.first('train', 'steps')),
        'Epochs': lambda row: _plain(row.first('train', 'epochs')),
    }
    return _table(f'{report}-cost', f'{report}: cost', columns, rows, text_columns=2)


def ranking(setting: Setting, rows: Sequence[Row]) -> Table:
    """Return every experiment measured in ``setting``, best mIoU first, whatever its report."""
    measured = [row for row in rows if row.setting == setting and row.spread('metrics', 'miou').values]
    measured.sort(key=lambda row: -(row.spread('metrics', 'miou').mean or 0.0))
    columns: dict[str, _Cell] = {
        'Experiment': lambda row: row.experiment,
        'mIoU (%)': lambda row: cells.number(row.spread('metrics', 'miou').mean),
        'seeds': lambda row: str(len(row.ok)),
        's.d. over seeds': lambda row: cells.number(row.spread('metrics', 'miou').deviation),
        '95 % over images': over_images,
        'Pixel acc. (%)': lambda row: cells.number(row.spread('metrics', 'pixel_accuracy').mean),
        'GFLOPs at this size': lambda row: cells.scaled(row.first('run_cost', 'flops'), 1e9),
        'Params (M)': lambda row: cells.scaled(row.first('run_cost', 'params'), 1e6),
        'Latency p50 (ms)': _latency,
        'Training time': lambda row: cells.duration(row.spread('train', 'wall_sec').mean),
        'Documented mIoU (%)': documented_miou,
    }
    return _table(f'ranking-{setting.slug}', f'All experiments on {setting.label}', columns, measured)


def per_class(report: str, setting: Setting, rows: Sequence[Row]) -> Table | None:
    """Return the IoU of every class for the experiments of a report in one setting; None if nothing was scored."""
    scored = [row for row in rows if row.setting == setting and row.first('metrics', 'per_class_iou')]
    columns: dict[str, _Cell] = {'Experiment': lambda row: row.name}
    for name in class_names(scored):
        columns[name] = lambda row, name=name: cells.number(class_iou(row, name), 1)  # type: ignore[misc]
    title = f'{report}: IoU of each class (%) on {setting.label}'
    scores = frozenset(columns) - {'Experiment'}
    return _table(f'{report}-classes-{setting.slug}', title, columns, scored, scores=scores) if scored else None


def experiments_frame(rows: Sequence[Row], catalogue: Catalogue) -> pd.DataFrame:
    """Return one line for each row, raw numbers with their unit in the column's name."""
    return pd.DataFrame([_experiment_record(row, catalogue) for row in rows])


def runs_frame(rows: Sequence[Row]) -> pd.DataFrame:
    """Return one line for each receipt."""
    columns = ['id', 'experiment', 'dataset', 'budget', 'seed', 'status', 'reason', 'resumed', 'contended', 'wall_sec']
    records = []
    for row in rows:
        for _, receipt in row.runs:
            record = {name: getattr(receipt, name) for name in columns}
            for key in ('miou', 'miou_absent_as_zero', 'miou_per_image', 'pixel_accuracy', 'class_accuracy', 'fw_iou'):
                record[key] = lookup(receipt, 'metrics', key)
            record['train_miou'] = lookup(receipt, 'train_metrics', 'miou')
            for key in ('p50_ms', 'p90_ms', 'p99_ms', 'device'):
                record[f'latency_{key}'] = lookup(receipt, 'latency', key)
            for key in ('steps', 'epochs', 'batch_size', 'final_loss'):
                record[key] = lookup(receipt, 'train', key)
            record['initialised_from'] = lookup(receipt, 'init', 'used')
            record['commit'] = lookup(receipt, 'environment', 'commit')
            records.append(record)
    return pd.DataFrame(records, columns=None if records else columns)


def classes_frame(rows: Sequence[Row]) -> pd.DataFrame:
    """Return one line for each row and class: the mean IoU over seeds in percent."""
    records = [
        {'id': row.experiment, 'setting': _setting(row), 'class': name, 'iou': class_iou(row, name)}
        for row in rows
        if row.setting is not None
        for name in class_names([row])
    ]
    return pd.DataFrame(records, columns=['id', 'setting', 'class', 'iou'])


def csv(frame: pd.DataFrame) -> str:
    """Return the frame as CSV: four decimals, nothing for what was not measured."""
    # Whole numbers with gaps are floats to pandas; "4.0000 steps" would be odd.
    return frame.convert_dtypes().to_csv(index=False, float_format=_decimals, lineterminator='\n')


def _decimals(value: float) -> str:
    return f'{value:.4f}' if abs(value) < 1e9 else f'{value:.4e}'


def class_iou(row: Row, name: str) -> float | None:
    """Return the IoU of a class in percent, averaged over the seeds in which it occurs."""
    values = [lookup(receipt, 'metrics', 'per_class_iou', name) for _, receipt in row.ok]
    present = [value for value in values if value is not None]
    return sum(present) / len(present) if present else None


def initial_weights(row: Row) -> str:
    """Return what the runs started from, and what was documented where that is something else."""
    used, documented = row.first('init', 'used'), row.first('init', 'documented')
    if used is None:
        return cells.DASH
    return used if documented in (None, used) else f'{used} (documented: {documented})'


def deviation_percent(row: Row) -> float | None:
    """Return by how much the counted cost differs from the documented one, in percent of the documented."""
    documented = _documented(row, 'gflops')
    flops = row.first('cost', 'flops')
    return None if not documented or flops is None else 100.0 * (flops / 1e9 / documented - 1.0)


def miou_deviation(row: Row) -> float | None:
    """Return measured less documented mIoU in points; where the settings differ it says more of them than of us."""
    documented, measured = row.documented_miou()[0], row.spread('metrics', 'miou').mean
    return None if documented is None or measured is None else measured - documented


def documented_miou(row: Row) -> str:
    """Return the documented mIoU as printed, marked where it is a validation score."""
    value, split = row.documented_miou()
    return _plain(value) + (f' ({split})' if split and value is not None else '')


def over_images(row: Row) -> str:
    """Return the interval of the mean mIoU over the choice of test images."""
    return cells.DASH if row.over_images is None else ' to '.join(cells.number(end, 1) for end in row.over_images)


def shape(value: Sequence[int] | None) -> str:
    """Return [..., H, W] as ``HxW``."""
    return cells.DASH if value is None else f'{value[-2]}x{value[-1]}'


def _experiment_record(row: Row, catalogue: Catalogue) -> dict[str, object]:
    documented, split = row.documented_miou()
    miou = row.spread('metrics', 'miou')
    setting = row.setting
    report = catalogue.reports.get(row.report)
    nearest = 'miou' if report is None else report.nearest_score
    recomputed = row.documented.recomputed[0].gmacs if row.documented and row.documented.recomputed else None
    return {
        'id': row.experiment,
        'status': row.status,
        'reason': row.reason,
        'evidence': None if not row.ok else not row.smoke,
        'marks': '; '.join(row.marks) or None,
        'dataset': setting and setting.dataset,
        'height': setting.size[0] if setting and setting.size else None,
        'width': setting.size[1] if setting and setting.size else None,
        'budget': setting and setting.budget,
        'factor': setting and setting.factor,
        'precision': setting and setting.precision,
        'seeds': len(row.ok),
        'documented_miou': documented,
        'documented_split': split if split and documented is not None else None,
        'miou': miou.mean,
        'miou_sd': miou.deviation,
        'miou_min': min(miou.values, default=None),
        'miou_max': max(miou.values, default=None),
        'miou_images_low': row.over_images[0] if row.over_images else None,
        'miou_images_high': row.over_images[1] if row.over_images else None,
        'miou_averaged_as_documented': row.spread('metrics', nearest).mean,
        'pixel_accuracy': row.spread('metrics', 'pixel_accuracy').mean,
        'class_accuracy': row.spread('metrics', 'class_accuracy').mean,
        'train_miou': row.spread('train_metrics', 'miou').mean,
        'documented_gflops': _documented(row, 'gflops'),
        'rebuilt_gflops': None if recomputed is None else 2 * recomputed,
        'counted_gflops': _divided(row.first('cost', 'flops'), 1e9),
        'counted_gflops_deviation_percent': deviation_percent(row),
        'params_millions': _divided(row.first('cost', 'params'), 1e6),
        'run_gflops': _divided(row.first('run_cost', 'flops'), 1e9),
        'latency_p50_ms': row.first('latency', 'p50_ms'),
        'latency_device': row.first('latency', 'device'),
        'train_peak_bytes': row.first('memory', 'train_peak_bytes'),
        'inference_peak_bytes': row.first('memory', 'inference_peak_bytes'),
        'train_wall_sec': row.spread('train', 'wall_sec').mean,
        'steps': row.first('train', 'steps'),
        'epochs': row.first('train', 'epochs'),
        'initialised_from': row.first('init', 'used'),
    }


def _table(
    name: str,
    title: str,
    columns: dict[str, _Cell],
    rows: Sequence[Row],
    text_columns: int = 1,
    scores: frozenset[str] = _SCORES,
) -> Table:
    body = tuple(tuple(cell(row) for cell in columns.values()) for row in rows)
    marks, keys = tuple(_mark(row) for row in rows), tuple(row.key if row.runs else '' for row in rows)
    return Table(name, title, tuple(columns), body, marks, text_columns, scores, keys)


def _mark(row: Row) -> str:
    if not row.runs:
        return 'absent'
    if not row.ok:
        return 'failed'
    return 'smoke' if row.smoke else 'ok'


def _setting(row: Row) -> str:
    return cells.DASH if row.setting is None else row.setting.label


def _latency(row: Row) -> str:
    text = cells.number(row.first('latency', 'p50_ms'))
    return f'{text} (contended)' if row.first('latency', 'contended') else text


def _documented(row: Row, metric: str) -> float | None:
    return None if row.documented is None else row.documented.value(metric)


def _plain(value: float | None) -> str:
    return cells.DASH if value is None else f'{value:.10g}'


def _divided(value: float | None, unit: float) -> float | None:
    return None if value is None else value / unit
