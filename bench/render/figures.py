"""Figures from rows, as PNG bytes that depend on the rows alone.

Colours are Okabe and Ito's, told apart with any kind of colour vision; line styles tell apart what shares a colour.
"""

import io
from collections.abc import Sequence
from typing import Any

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import FormatStrFormatter, LogLocator, NullLocator

from bench.render import curves, labels
from bench.render.gather import Row, Setting

COLOURS = ('#0072B2', '#D55E00', '#009E73', '#CC79A7', '#E69F00', '#56B4E9', '#000000')
LINES = ('-', '--', ':', '-.')
MEASURED, DOCUMENTED, GREY = '#0072B2', '#E69F00', '#8a8a8a'
_STYLE = {
    'figure.facecolor': 'white',
    'font.family': 'DejaVu Sans',
    'font.size': 9,
    # A dollar sign in a name is a dollar sign.
    'text.parse_math': False,
    'axes.titlesize': 10,
    'axes.titlelocation': 'left',
    'axes.spines.top': False,
    'axes.spines.right': False,
    'axes.grid': True,
    'grid.color': '#e4e4e4',
    'axes.axisbelow': True,
    'legend.frameon': False,
}
_DPI = 120


def training_curves(report: str, setting: Setting, rows: Sequence[Row]) -> bytes | None:
    """Draw training loss and validation mIoU (%) against epochs, a line a run; None where no run left a curve."""
    lines = [
        (index, row, curve)
        for index, row in enumerate(row for row in rows if row.setting == setting)
        for folder, _ in row.runs
        if (curve := curves.read(folder)).loss
    ]
    if not lines:
        return None
    with rc_context(_STYLE):
        figure = Figure(figsize=(9.5, 3.9), layout='constrained')
        loss, miou = figure.subplots(1, 2)
        named = set()
        for index, row, curve in lines:
            style = _line_style(index)
            name = None if index in named else row.name
            named.add(index)
            loss.plot(curve.loss_epochs, curves.smoothed(curve.loss), linewidth=1.2, label=name, **style)
            miou.plot(curve.miou_epochs, curve.miou, marker='o', markersize=3, linewidth=1.2, **style)
        _label(loss, 'Training loss, running mean over 5 % of the steps', 'epochs', 'loss')
        _label(miou, 'Validation mIoU', 'epochs', 'mIoU (%)')
        miou.set_ylim(bottom=0)
        figure.legend(loc='outside lower center', ncols=min(5, len(named)), fontsize=8)
        figure.suptitle(_title(report, setting), fontsize=11, x=0.01, ha='left')
        return _png(figure)


def miou_bars(setting: Setting, rows: Sequence[Row]) -> bytes | None:
    """Draw measured mIoU (%) with a dot a seed beside the documented one; None if nothing was scored."""
    scored = [row for row in rows if row.setting == setting and row.spread('metrics', 'miou').values]
    if not scored:
        return None
    order = {report: index for index, report in enumerate(dict.fromkeys(row.report for row in scored))}
    scored.sort(key=lambda row: (order[row.report], -(row.spread('metrics', 'miou').mean or 0.0)))
    colour = GREY if setting.smoke else MEASURED
    with rc_context(_STYLE):
        figure = Figure(figsize=(9.5, max(2.2, 1.5 + 0.36 * len(scored))), layout='constrained')
        axes = figure.subplots()
        for place, row in enumerate(scored):
            miou = row.spread('metrics', 'miou')
            documented, _ = row.documented_miou()
            first = place == 0
            axes.barh(
                place - 0.2, miou.mean or 0.0, 0.36, color=colour, label='measured, mean over seeds' if first else None
            )
            axes.plot(miou.values, [place - 0.2] * miou.n, '|', color='black', markersize=7, markeredgewidth=1.2)
            if documented is not None:
                axes.barh(place + 0.2, documented, 0.36, color=DOCUMENTED, alpha=0.75)
            else:
                axes.text(0.4, place + 0.2, 'none documented', va='center', fontsize=7, color='#606060')
        axes.barh(0, 0, color=DOCUMENTED, alpha=0.75, label="documented, on the report's own data")
        axes.plot([], [], '|', color='black', markersize=7, markeredgewidth=1.2, label='one seed')
        axes.set_yticks(range(len(scored)), [row.experiment for row in scored])
        axes.set_ylim(len(scored) - 0.5, -0.5)
        axes.grid(axis='y', visible=False)
        axes.margins(x=0.03)
        _label(axes, '', 'mIoU (%)', '')
        figure.legend(loc='outside lower center', ncols=3, fontsize=8)
        figure.suptitle(_title('Documented and measured mIoU', setting), fontsize=11, x=0.01, ha='left')
        return _png(figure)


def accuracy_against_cost(setting: Setting, rows: Sequence[Row]) -> bytes | None:
    """Draw measured mIoU (%) against GFLOPs an image at the run's size; None if no run has both."""
    points = []
    for row in rows:
        flops, miou = row.first('run_cost', 'flops'), row.spread('metrics', 'miou').mean
        if row.setting == setting and flops and miou is not None:
            points.append((flops / 1e9, miou, row))
    if not points:
        return None
    reports = list(dict.fromkeys(row.report for _, _, row in points))
    with rc_context(_STYLE):
        figure = Figure(figsize=(9.5, 5.2), layout='constrained')
        axes = figure.subplots()
        axes.set_xscale('log')
        axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axes.xaxis.set_minor_locator(NullLocator())
        axes.xaxis.set_major_formatter(FormatStrFormatter('%g'))
        for index, report in enumerate(reports):
            own = [(x, y) for x, y, row in points if row.report == report]
            colour = GREY if setting.smoke else COLOURS[index % len(COLOURS)]
            axes.plot(*zip(*own, strict=True), 'os^DvPX'[index % 7], color=colour, markersize=7, label=report)
        axes.margins(x=0.18, y=0.12)
        _label(axes, '', 'GFLOPs an image (two FLOPs a multiply-add, log scale)', 'mIoU (%)')
        figure.legend(loc='outside lower center', ncols=len(reports), fontsize=8)
        figure.suptitle(_title('Accuracy against cost', setting), fontsize=11, x=0.01, ha='left')
        labels.place(axes, [(x, y, row.name) for x, y, row in points])
        return _png(figure)


def _title(subject: str, setting: Setting) -> str:
    return f'{subject} — {setting.label}' + (' (smoke is not evidence)' if setting.smoke else '')


def _label(axes: Axes, title: str, x: str, y: str) -> None:
    axes.set_title(title)
    axes.set_xlabel(x)
    axes.set_ylabel(y)


def _line_style(index: int) -> dict[str, Any]:
    return {'color': COLOURS[index % len(COLOURS)], 'linestyle': LINES[index // len(COLOURS) % len(LINES)]}


def _png(figure: Figure) -> bytes:
    buffer = io.BytesIO()
    # The library's name and version in the file would change its bytes with every upgrade.
    FigureCanvasAgg(figure).print_png(buffer, metadata={'Software': None})
    return buffer.getvalue()
