"""Which pictures a report has: figures of each ranking, curves and sheets of predictions of each documented report."""

from collections.abc import Iterable, Sequence

from bench.experiments import Catalogue
from bench.render import classes, figures, lr_range, panels, pareto
from bench.render.drawn import Drawn, Picture, figured
from bench.render.gather import Row, Stored, reports_of, rows
from bench.settings import Setting

SHEETS = 2
"""Sheets of predictions a report and setting: the first and the last of the stored images."""


def draw(stored: Iterable[Stored], catalogue: Catalogue) -> Drawn:
    """Draw every picture of the report of these receipts."""
    gathered = rows(stored, catalogue)
    rankings = {
        setting: tuple(_ranking(setting, [row for row in gathered if row.setting == setting]))
        for setting in figured(gathered)
    }
    return Drawn(rankings, {slug: tuple(_section(slug, gathered)) for slug in reports_of(gathered)})


def _section(slug: str, gathered: Sequence[Row]) -> list[Picture]:
    own = [row for row in gathered if row.report == slug]
    return [
        picture
        for setting in figured(own)
        for picture in _pictures(slug, setting, [row for row in own if row.setting == setting])
    ]


def _ranking(setting: Setting, own: Sequence[Row]) -> list[Picture]:
    where = setting.label
    pictures = [
        ('miou', f'Documented and measured mIoU on {where}', figures.miou_bars(setting, own)),
        *(
            (name, f'mIoU against {cost.label} on {where}; the Pareto front is joined', data)
            for name, cost in pareto.COSTS.items()
            if (data := pareto.draw(setting, own, cost))
        ),
        ('classes', f'IoU of each class on {where}', classes.heat_map(setting, own)),
        ('confusion', f'What the classes are taken for on {where}, best model', classes.confusion(setting, own)),
    ]
    return [Picture(f'figures/{name}-{setting.slug}.png', title, data) for name, title, data in pictures if data]


def _pictures(slug: str, setting: Setting, own: Sequence[Row]) -> list[Picture]:
    """Return the curves, learning-rate range tests and prediction sheets of a report in one setting."""
    pictures = []
    drawn = figures.training_curves(slug, setting, own)
    if drawn:
        title = f'{slug}: training loss and validation mIoU on {setting.label}'
        pictures.append(Picture(f'figures/{slug}-curves-{setting.slug}.png', title, drawn))
    drawn = lr_range.draw(slug, setting, own)
    if drawn:
        title = f'{slug}: loss against learning rate on {setting.label}'
        pictures.append(Picture(f'figures/{slug}-lr-range-{setting.slug}.png', title, drawn))
    return pictures + _sheets(slug, setting, own)


def _sheets(slug: str, setting: Setting, own: Sequence[Row]) -> list[Picture]:
    stems = panels.stems(setting, own)
    chosen = stems if len(stems) <= SHEETS else [stems[0], stems[-1]]
    sheets = []
    for number, stem in enumerate(chosen, start=1):
        data = panels.sheet(setting, own, stem)
        if data:
            title = f'{slug}: image {stem}, its truth and the predictions on {setting.label}'
            sheets.append(Picture(f'panels/{slug}-{setting.slug}-{number}.jpg', title, data))
    return sheets
