"""Measured mIoU against each cost, and the models that no other beats in both."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from matplotlib import rc_context
from matplotlib.figure import Figure
from matplotlib.ticker import FormatStrFormatter, LogLocator, NullLocator

from bench import amounts
from bench.render import costs, figures, labels
from bench.render.gather import Row
from bench.settings import Setting

MARKERS = 'os^DvPX'
NAMED = 25
"""Up to this many points all are named, of more only those on the front, and of these as many, evenly."""


@dataclass(frozen=True)
class Cost:
    """A cost in words and how a row gives it; None where it was not measured.

    What is ``timed`` is drawn for the rows that were timed on the same device, threads and precision as most.
    """

    label: str
    axis: str
    value: Callable[[Row], float | None]
    timed: bool = False


def front(points: Sequence[tuple[float, float]]) -> list[int]:
    """Return which (cost, score) points are on the Pareto front, cheapest first.

    A point is on it unless another has at most its cost and at least its score, and one of the two better.
    """
    best = float('-inf')
    kept: list[int] = []
    order = sorted(range(len(points)), key=lambda index: (points[index][0], -points[index][1]))
    for index in order:
        cost, score = points[index]
        equal = bool(kept) and points[kept[-1]] == (cost, score)
        if score > best or equal:
            kept.append(index)
            best = score
    return kept


def some(best: Sequence[int]) -> list[int]:
    """Return at most ``NAMED`` of ``best``, evenly: names of more would cover each other."""
    places = amounts.spread(NAMED, len(best))
    return list(best) if places is None else [best[place] for place in places]


def draw(setting: Setting, rows: Sequence[Row], cost: Cost) -> bytes | None:
    """Draw measured mIoU (%) with its interval over seeds against ``cost``; None if no run has both."""
    own = [row for row in rows if row.setting == setting]
    usual = costs.usual(own) if cost.timed else ''
    if cost.timed:
        own = [row for row in own if (timed := costs.latency(row)) and timed.apparatus == usual]
    points = [
        (value, miou, row)
        for row in own
        if (value := cost.value(row)) and (miou := row.spread('metrics', 'miou').mean) is not None
    ]
    if not points:
        return None
    best = front([(x, y) for x, y, _ in points])
    named = points if len(points) <= NAMED else [points[index] for index in some(best)]
    with rc_context(figures.STYLE):
        figure = Figure(figsize=(9.5, 5.2), layout='constrained')
        axes = figure.subplots()
        axes.set_xscale('log')
        low, high = min(x for x, _, _ in points), max(x for x, _, _ in points)
        # Room for names, also where all cost the same.
        room = max(1.3, (high / low) ** 0.18)
        axes.set_xlim(low / room, high * room)
        narrow = high < 10 * low
        axes.xaxis.set_major_locator(LogLocator(subs=(1, 1.5, 2, 3, 4, 5, 7) if narrow else (1, 2, 5)))
        axes.xaxis.set_minor_locator(NullLocator())
        axes.xaxis.set_major_formatter(FormatStrFormatter('%g'))
        joined = [points[index] for index in best]
        axes.step([x for x, _, _ in joined], [y for _, y, _ in joined], where='post', color='#a0a0a0', linewidth=0.9,
                  linestyle='--', label='Pareto front')  # fmt: skip
        for index, report in enumerate(dict.fromkeys(row.report for _, _, row in points)):
            _points(axes, [point for point in points if point[2].report == report], index, setting.smoke, cost.timed)
        axes.margins(y=0.12)
        figures.label(axes, '', f'{cost.axis}\n{usual}'.strip(), 'mIoU (%)')
        figure.legend(loc='outside lower center', ncols=6, fontsize=8)
        figure.suptitle(figures.title(f'Accuracy against {cost.label}', setting), fontsize=11, x=0.01, ha='left')
        figures.lay_out(figure)
        labels.place(axes, [(x, y, figures.shortened(row.name)) for x, y, row in named])
        return figures.png(figure)


def _points(axes: Any, own: Sequence[tuple[float, float, Row]], index: int, smoke: bool, timed: bool) -> None:
    colour = figures.GREY if smoke else figures.COLOURS[index % len(figures.COLOURS)]
    marker = MARKERS[index % len(MARKERS)]
    x, y = [point[0] for point in own], [point[1] for point in own]
    axes.plot(x, y, marker, color=colour, markersize=7, label=own[0][2].report)
    spreads = [(at, *ends) for at, _, row in own if (ends := figures.whiskers(row))]
    if spreads:
        axes.vlines(*zip(*spreads, strict=True), color=colour, linewidth=0.9, alpha=0.7)
    shared = [(at, miou) for at, miou, row in own if timed and (one := costs.latency(row)) and one.contended]
    if shared:
        axes.plot(*zip(*shared, strict=True), marker, markerfacecolor='white', markeredgecolor=colour, markersize=7)


def _latency(row: Row) -> float | None:
    timed = costs.latency(row)
    return None if timed is None else timed.p50_ms


def _memory(row: Row) -> float | None:
    held = costs.memory(row, 'inference')
    return None if held is None else held / 2**30


def _of_run(key: str, unit: float) -> Callable[[Row], float | None]:
    def value(row: Row) -> float | None:
        found = row.first('run_cost', key)
        return None if found is None else found / unit

    return value


COSTS = {
    'cost': Cost('GFLOPs', 'GFLOPs an image (two FLOPs a multiply-add, log scale)', _of_run('flops', 1e9)),
    'params': Cost('parameters', 'million parameters (log scale)', _of_run('params', 1e6)),
    'latency': Cost('latency', 'median latency (ms, log scale; hollow: other runs beside it)', _latency, timed=True),
    'memory': Cost('inference memory', 'GiB of weights and of what a forward adds (log scale)', _memory),
}
