"""Tables from rows, for people. Percent is 0 to 100; a cell without a measurement is a dash."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from tabulate import tabulate

from bench.render import cells, costs
from bench.render.gather import Row, class_names, lookup
from bench.settings import Setting

SMOKE_NOTE = 'Smoke is not evidence: such a run only shows that the experiment runs; its scores mean nothing.'


@dataclass(frozen=True)
class Table:
    """A table as text: ``marks`` has one of ``ok``, ``smoke``, ``failed``, ``absent`` for each row.

    ``text_columns`` columns from the left are text; those in ``scores`` mean nothing in a row marked ``smoke``.
    ``keys`` has the name of the row's runs (``Row.key``) for each row, or is empty; ``files`` likewise has the path of
    the one file that all numbers of a row come from. ``sorts`` has, by column, what its cells are sorted by where the
    number that they begin with does not order them: seconds of times in several units.
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
    sorts: Mapping[str, tuple[float | None, ...]] = field(default_factory=dict)

    def greyed(self, row: int, column: int) -> bool:
        """Say whether a cell is a score that proves nothing."""
        return (
            self.marks[row] == 'smoke' and self.columns[column] in self.scores and self.rows[row][column] != cells.DASH
        )

    def is_text(self, column: int) -> bool:
        """Say whether a column holds words, which are aligned left."""
        return column < self.text_columns or self.columns[column] in _PROSE

    def is_mixed(self, column: int) -> bool:
        """Say whether the numbers of a column are of different kinds, so that no order of them means anything."""
        return self.columns[column] in _MIXED

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
_MIXED = frozenset({'Effect'})
_SELDOM = frozenset({'Deviation', 'Deviation (%)', 'Why'})
"""Columns that are left out where no row has anything in them."""
_SCORES = frozenset(
    {
        'mIoU (%)', 'Deviation', 's.d. over seeds', '95 % over images', 'Pixel acc. (%)', 'Class acc. (%)',
        'Train mIoU (%)',
    }
)  # fmt: skip
_Cell = Callable[[Row], str]
_SORTED: dict[str, Callable[[Row], float | None]] = {
    'Training time': lambda row: costs.training_time(row)[0],
    'Counted at': lambda row: _area(costs.counted(row, 'input_shape')),
    'Run at': lambda row: _area(row.first('run_cost', 'input_shape')),
}


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
    """Return the documented and the counted cost of every experiment of a report, and what its runs took.

    Counts are at the documented size, what was measured is at the size of the setting.
    """
    usual = costs.usual(rows)
    columns: dict[str, _Cell] = {
        'Experiment': lambda row: row.name,
        'Setting': _setting,
        'Documented GFLOPs': lambda row: _plain(_documented(row, 'gflops')),
        'Counted GFLOPs': lambda row: cells.scaled(costs.counted(row, 'flops'), 1e9),
        'Deviation (%)': lambda row: cells.signed(deviation_percent(row)),
        'Counted at': lambda row: shape(costs.counted(row, 'input_shape')),
        'Params (M)': lambda row: cells.scaled(costs.counted(row, 'params'), 1e6),
        'GFLOPs of the run': lambda row: cells.scaled(row.first('run_cost', 'flops'), 1e9),
        'Run at': lambda row: shape(row.first('run_cost', 'input_shape')),
        'Latency p50 there (ms)': lambda row: latency(row, usual),
        'Train memory (GiB)': lambda row: cells.scaled(costs.memory(row, 'train'), 2**30),
        'Inference memory (GiB)': lambda row: cells.scaled(costs.memory(row, 'inference'), 2**30),
        'Training time': training_time,
        'Steps': lambda row: _plain(row.first('train', 'steps')),
        'Epochs': lambda row: _plain(row.first('train', 'epochs')),
    }
    on = f'; latency on {usual}, unless said otherwise' if usual else ''
    return _table(f'{report}-cost', f'{report}: cost{on}', columns, rows, text_columns=2)


def ranking(setting: Setting, rows: Sequence[Row]) -> Table:
    """Return every experiment measured in ``setting``, best mIoU first, whatever its report."""
    measured = [row for row in rows if row.setting == setting and row.spread('metrics', 'miou').values]
    measured.sort(key=lambda row: -(row.spread('metrics', 'miou').mean or 0.0))
    usual = costs.usual(measured)
    columns: dict[str, _Cell] = {
        'Experiment': lambda row: row.experiment,
        'mIoU (%)': _miou,
        'seeds': lambda row: str(len(row.ok)),
        's.d. over seeds': lambda row: cells.number(row.spread('metrics', 'miou').deviation),
        '95 % over images': over_images,
        'Pixel acc. (%)': lambda row: cells.number(row.spread('metrics', 'pixel_accuracy').mean),
        'GFLOPs at this size': lambda row: cells.scaled(row.first('run_cost', 'flops'), 1e9),
        'Params (M)': lambda row: cells.scaled(row.first('run_cost', 'params'), 1e6),
        'Latency p50 (ms)': lambda row: latency(row, usual),
        'Epochs, of the documented': epochs,
        'Training time': training_time,
        'Documented mIoU (%)': documented_miou,
    }
    return _table(f'ranking-{setting.slug}', f'All experiments on {setting.label}', columns, measured)


def _miou(row: Row) -> str:
    mean = cells.number(row.spread('metrics', 'miou').mean)
    return f'{mean} ({row.moved_by_precise})' if row.moved_by_precise else mean


def per_class(report: str, setting: Setting, rows: Sequence[Row]) -> Table | None:
    """Return the IoU of every class for the experiments of a report in one setting; None if nothing was scored."""
    scored = [row for row in rows if row.setting == setting and row.first('metrics', 'per_class_iou')]
    columns: dict[str, _Cell] = {'Experiment': lambda row: row.name}
    for name in class_names(scored):
        columns[name] = lambda row, name=name: cells.number(class_iou(row, name), 1)  # type: ignore[misc]
    title = f'{report}: IoU of each class (%) on {setting.label}'
    scores = frozenset(columns) - {'Experiment'}
    return _table(f'{report}-classes-{setting.slug}', title, columns, scored, scores=scores) if scored else None


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
    flops = costs.counted(row, 'flops')
    return None if not documented or flops is None else 100.0 * (flops / 1e9 / documented - 1.0)


def miou_deviation(row: Row) -> float | None:
    """Return measured less documented mIoU in points; None on another data set than the documented one."""
    documented, measured = row.documented_miou()[0], row.spread('metrics', 'miou').mean
    if documented is None or measured is None or not row.on_documented_data:
        return None
    return measured - documented


def documented_miou(row: Row) -> str:
    """Return the documented mIoU as printed, marked where it is a validation score."""
    value, split = row.documented_miou()
    return _plain(value) + (f' ({split})' if split and value is not None else '')


def latency(row: Row, usual: str) -> str:
    """Return the median latency in ms, with what sets it apart from those that were measured on ``usual``."""
    timed = costs.latency(row)
    if timed is None:
        return cells.DASH
    return _with_aside(cells.milliseconds(timed.p50_ms), costs.aside(timed, usual))


def training_time(row: Row) -> str:
    """Return the mean time of the trainings, marked where others shared the machine."""
    seconds, contended = costs.training_time(row)
    return _with_aside(cells.duration(seconds), ['contended'] if contended else [])


def epochs(row: Row) -> str:
    """Return the epochs that were trained and their share of the documented ones: ``20.0, 11 %``."""
    share = costs.share_of_documented(row)
    return cells.number(row.spread('train', 'epochs').mean, 1) + ('' if share is None else f', {100 * share:.2g} %')


def over_images(row: Row) -> str:
    """Return the interval of the mean mIoU over the choice of test images."""
    return cells.DASH if row.over_images is None else ' to '.join(cells.number(end, 1) for end in row.over_images)


def shape(value: Sequence[int] | None) -> str:
    """Return [..., H, W] as ``HxW``."""
    return cells.DASH if value is None else f'{value[-2]}x{value[-1]}'


def _table(
    name: str,
    title: str,
    columns: dict[str, _Cell],
    rows: Sequence[Row],
    text_columns: int = 1,
    scores: frozenset[str] = _SCORES,
) -> Table:
    found = {name: [cell(row) for row in rows] for name, cell in columns.items()}
    told = {name: texts for name, texts in found.items() if name not in _SELDOM or set(texts) - {cells.DASH}}
    body = tuple(zip(*told.values(), strict=True))
    marks, keys = tuple(_mark(row) for row in rows), tuple(row.key if row.runs else '' for row in rows)
    sorts = {name: tuple(map(_SORTED[name], rows)) for name in told if name in _SORTED}
    return Table(name, title, tuple(told), body, marks, text_columns, scores, keys, sorts=sorts)


def _area(shape: Sequence[int] | None) -> float | None:
    return None if shape is None else float(shape[-2] * shape[-1])


def _mark(row: Row) -> str:
    if not row.runs:
        return 'absent'
    if not row.ok:
        return 'failed'
    return 'smoke' if row.smoke else 'ok'


def _setting(row: Row) -> str:
    return cells.DASH if row.setting is None else row.setting.label


def _documented(row: Row, metric: str) -> float | None:
    return None if row.documented is None else row.documented.value(metric)


def _with_aside(text: str, aside: Sequence[str]) -> str:
    return f'{text} ({", ".join(aside)})' if aside else text


def _plain(value: float | None) -> str:
    return cells.DASH if value is None else f'{value:.10g}'
