"""Figures from rows, as PNG bytes that depend on the rows alone.

Colours are Okabe and Ito's, told apart with any kind of colour vision; line styles tell apart what shares a colour.
"""

import io
from collections.abc import Sequence
from typing import Any

from matplotlib import font_manager, rc_context
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from bench.render import curves
from bench.render.gather import Row
from bench.settings import Setting

COLOURS = ('#0072B2', '#D55E00', '#009E73', '#CC79A7', '#E69F00', '#56B4E9', '#000000')
LINES = ('-', '--', ':', '-.')
MEASURED, DOCUMENTED, GREY = '#0072B2', '#E69F00', '#8a8a8a'
WIDER_FONTS = (
    'Noto Sans CJK SC', 'Noto Sans CJK JP', 'Noto Sans SC', 'Noto Sans JP', 'Noto Sans KR', 'Source Han Sans SC',
    'WenQuanYi Micro Hei', 'WenQuanYi Zen Hei', 'Microsoft YaHei', 'Yu Gothic', 'Malgun Gothic', 'PingFang SC',
    'Hiragino Sans', 'Apple SD Gothic Neo', 'Noto Sans Devanagari', 'Noto Sans Thai',
)  # fmt: skip
"""Fonts for letters that DejaVu Sans, which comes with matplotlib, lacks: Chinese, Japanese and Korean above all."""


def fonts() -> list[str]:
    """Return the families that text is drawn with: a letter is taken from the first that has it."""
    there = set(font_manager.get_font_names())
    return ['DejaVu Sans', *(name for name in WIDER_FONTS if name in there)]


FONTS = fonts()
STYLE = {
    'figure.facecolor': 'white',
    'font.family': FONTS,
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
BARS = 60
"""Models among the bars, the best ones."""
NAME = 72
"""Letters of a name that leave room for a figure; those of the documented experiments have fewer."""
CURVES_A_ROW, LINES_DRAWN, POINTS = 2, 20, 300
"""Seeds of an experiment and experiments whose curves are drawn, and points of a curve: more cannot be told apart."""


def training_curves(report: str, setting: Setting, rows: Sequence[Row]) -> bytes | None:
    """Draw training loss and validation mIoU (%) against epochs, a line a run; None where no run left a curve."""
    lines = [
        (index, row, curve)
        for index, row in enumerate([row for row in rows if row.setting == setting and row.runs][:LINES_DRAWN])
        for folder, _ in row.runs[:CURVES_A_ROW]
        if (curve := curves.read(folder)).loss
    ]
    if not lines:
        return None
    with rc_context(STYLE):
        figure = Figure(figsize=(9.5, 3.9), layout='constrained')
        loss, miou = figure.subplots(1, 2)
        named = set()
        for index, row, curve in lines:
            style = line_style(index)
            name = None if index in named else shortened(row.name)
            named.add(index)
            step = max(1, len(curve.loss) // POINTS)
            smooth = curves.smoothed(curve.loss)[::step]
            loss.plot(curve.loss_epochs[::step], smooth, linewidth=1.2, label=name, **style)
            miou.plot(curve.miou_epochs, curve.miou, marker='o', markersize=3, linewidth=1.2, **style)
        more = any(len(row.runs) > CURVES_A_ROW for _, row, _ in lines)
        label(loss, 'Training loss, running mean over 5 % of the steps', 'epochs', 'loss')
        label(miou, 'Validation mIoU', 'epochs', 'mIoU (%)')
        miou.set_ylim(bottom=0)
        figure.legend(loc='outside lower center', ncols=min(5, len(named)), fontsize=8)
        subject = f'{report}, the first {CURVES_A_ROW} seeds of each' if more else report
        figure.suptitle(title(subject, setting), fontsize=11, x=0.01, ha='left')
        return png(figure)


def miou_bars(setting: Setting, rows: Sequence[Row]) -> bytes | None:
    """Draw measured mIoU (%), its interval and a stroke a seed, beside the documented; None if nothing was scored."""
    scored = [row for row in rows if row.setting == setting and row.spread('metrics', 'miou').values]
    if not scored:
        return None
    order = {report: index for index, report in enumerate(dict.fromkeys(row.report for row in scored))}
    scored.sort(key=lambda row: -(row.spread('metrics', 'miou').mean or 0.0))
    scored = sorted(scored[:BARS], key=lambda row: order[row.report])
    colour = GREY if setting.smoke else MEASURED
    with rc_context(STYLE):
        figure = Figure(figsize=(9.5, max(2.2, 1.5 + 0.36 * len(scored))), layout='constrained')
        axes = figure.subplots()
        spreads = [row.spread('metrics', 'miou') for row in scored]
        heights = [place - 0.2 for place in range(len(scored))]
        means = [spread.mean or 0.0 for spread in spreads]
        axes.barh(heights, means, 0.36, color=colour, label='measured, mean over seeds')
        seeds = [(value, y) for spread, y in zip(spreads, heights, strict=True) for value in spread.values]
        axes.plot(*zip(*seeds, strict=True), '|', color='black', markersize=7, markeredgewidth=1.2)
        intervals = [(y, *ends) for row, y in zip(scored, heights, strict=True) if (ends := whiskers(row))]
        if intervals:
            axes.hlines(*zip(*intervals, strict=True), color='#404040', linewidth=1.1)
        documented = [(place + 0.2, row.documented_miou()[0]) for place, row in enumerate(scored)]
        told = [(y, value) for y, value in documented if value is not None]
        if told:
            places, values = zip(*told, strict=True)
            axes.barh(places, values, 0.36, color=DOCUMENTED, alpha=0.75)
        for y, value in documented:
            if value is None:
                axes.text(0.4, y, 'none documented', va='center', fontsize=7, color='#606060')
        axes.barh(0, 0, color=DOCUMENTED, alpha=0.75, label="documented, on the report's own data")
        axes.plot([], [], color='#404040', linewidth=1.1, label='95 % interval over seeds')
        axes.plot([], [], '|', color='black', markersize=7, markeredgewidth=1.2, label='one seed')
        axes.set_yticks(range(len(scored)), [shortened(row.experiment) for row in scored])
        axes.set_ylim(len(scored) - 0.5, -0.5)
        axes.grid(axis='y', visible=False)
        axes.margins(x=0.03)
        label(axes, '', 'mIoU (%)', '')
        figure.legend(loc='outside lower center', ncols=4, fontsize=8)
        figure.suptitle(title('Documented and measured mIoU', setting), fontsize=11, x=0.01, ha='left')
        return png(figure)


def whiskers(row: Row) -> tuple[float, float] | None:
    """Return the 95 % interval of a row's mean mIoU over seeds, within 0 to 100; None for fewer than two seeds."""
    interval = row.spread('metrics', 'miou').interval()
    return None if interval is None else (max(0.0, interval[0]), min(100.0, interval[1]))


def shortened(name: str) -> str:
    """Return a name that leaves room for what it names: of a long one, such as a user's may be, beginning and end."""
    return name if len(name) <= NAME else f'{name[: NAME // 2]}…{name[-(NAME // 2 - 1) :]}'


def title(subject: str, setting: Setting) -> str:
    """Return a figure's title; that of smoke says what smoke is."""
    return f'{subject} — {setting.label}' + (' (smoke is not evidence)' if setting.smoke else '')


def label(axes: Axes, title: str, x: str, y: str) -> None:
    """Write a title and the names of the axes."""
    axes.set_title(title)
    axes.set_xlabel(x)
    axes.set_ylabel(y)


def line_style(index: int) -> dict[str, Any]:
    """Return colour and dashes of the line with this number."""
    return {'color': COLOURS[index % len(COLOURS)], 'linestyle': LINES[index // len(COLOURS) % len(LINES)]}


def lay_out(figure: Figure) -> None:
    """Give every part of the figure its final place; what is added to it later moves nothing."""
    if engine := figure.get_layout_engine():
        engine.execute(figure)
        figure.set_layout_engine('none')


def png(figure: Figure) -> bytes:
    """Return the figure as PNG."""
    buffer = io.BytesIO()
    # The library's name and version in the file would change its bytes with every upgrade.
    FigureCanvasAgg(figure).print_png(buffer, metadata={'Software': None})
    return buffer.getvalue()
