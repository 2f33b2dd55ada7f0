"""What a report shows, in reading order: summary, rankings, then each documented report. No file is written here."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from bench.records import Catalogue, Experiment, Report
from bench.render import figures, panels, tables
from bench.render.gather import (
    Row,
    Setting,
    Stored,
    lookup,
    reports_of,
    rows,
    settings_of,
    telling,
    telling_rows,
)
from bench.render.tables import Table
from bench.render.timings import Timing, cost_tables

SHEETS = 2
"""Sheets of predictions a report and setting: the first and the last of the stored images."""


@dataclass(frozen=True)
class Picture:
    """An image file of the report; ``path`` is relative to its folder."""

    path: str
    title: str
    data: bytes

    @property
    def media_type(self) -> str:
        return 'image/png' if self.path.endswith('.png') else 'image/jpeg'


@dataclass(frozen=True)
class Section:
    """One documented report (``head`` is None for experiments unknown to the catalogue), or one setting's ranking."""

    slug: str
    head: Report | None
    tables: tuple[Table, ...]
    pictures: tuple[Picture, ...]
    experiments: tuple[Experiment, ...] = ()
    classes: tuple[Table, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def silent(self) -> list[Experiment]:
        """The experiments without a documented number."""
        return [experiment for experiment in self.experiments if experiment.reason]

    @property
    def unclear(self) -> list[Experiment]:
        """The experiments whose source leaves something open."""
        return [experiment for experiment in self.experiments if experiment.ambiguities]


@dataclass(frozen=True)
class Document:
    """Everything a report shows; ``summary`` is a list of sentences."""

    summary: tuple[str, ...]
    rankings: tuple[Section, ...]
    sections: tuple[Section, ...]
    has_smoke: bool
    rows: tuple[Row, ...]
    catalogue: Catalogue

    @property
    def pictures(self) -> list[Picture]:
        return [picture for section in (*self.rankings, *self.sections) for picture in section.pictures]

    @property
    def tables(self) -> list[Table]:
        return [table for section in (*self.rankings, *self.sections) for table in (*section.tables, *section.classes)]


def build(stored: Iterable[Stored], catalogue: Catalogue, timings: Sequence[Timing] = ()) -> Document:
    """Return the document of these receipts and cost timings; their order does not matter."""
    gathered = rows(stored, catalogue)
    settings = telling(settings_of(gathered))
    return Document(
        summary=tuple(_summary(gathered)),
        rankings=(
            *(section for setting in settings if (section := _ranking(setting, gathered))),
            *(Section(table.name, None, (table,), ()) for table in cost_tables(timings, catalogue)),
        ),
        sections=tuple(_section(slug, gathered, catalogue) for slug in reports_of(gathered)),
        has_smoke=any(row.smoke for row in telling_rows(gathered)),
        rows=tuple(gathered),
        catalogue=catalogue,
    )


def _ranking(setting: Setting, gathered: Sequence[Row]) -> Section | None:
    table = tables.ranking(setting, gathered)
    if not table.rows:
        return None
    drawn = {
        'miou': (f'Documented and measured mIoU on {setting.label}', figures.miou_bars(setting, gathered)),
        'cost': (f'mIoU against GFLOPs on {setting.label}', figures.accuracy_against_cost(setting, gathered)),
    }
    pictures = [
        Picture(f'figures/{name}-{setting.slug}.png', title, data) for name, (title, data) in drawn.items() if data
    ]
    notes = dict.fromkeys(row.first('data', 'note') for row in gathered if row.setting == setting)
    return Section(setting.slug, None, (table,), tuple(pictures), notes=tuple(note for note in notes if note))


def _section(slug: str, gathered: Sequence[Row], catalogue: Catalogue) -> Section:
    own = [row for row in gathered if row.report == slug]
    shown = telling_rows(own)
    settings = telling(settings_of(own))
    classes = [table for setting in settings if (table := tables.per_class(slug, setting, own))]
    pictures = []
    for setting in settings:
        curves = figures.training_curves(slug, setting, own)
        if curves:
            title = f'{slug}: training loss and validation mIoU on {setting.label}'
            pictures.append(Picture(f'figures/{slug}-curves-{setting.slug}.png', title, curves))
        pictures += _sheets(slug, setting, own)
    return Section(
        slug,
        catalogue.reports.get(slug),
        (tables.accuracy(slug, shown), tables.cost(slug, shown)),
        tuple(pictures),
        tuple(row.documented for row in {row.experiment: row for row in own}.values() if row.documented),
        tuple(classes),
    )


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


def _summary(gathered: Sequence[Row]) -> list[str]:
    """Return what was run and on what, in a few sentences."""
    by_experiment: dict[str, list[Row]] = {}
    for row in gathered:
        by_experiment.setdefault(row.experiment, []).append(row)
    counts = Counter(_outcome(own) for own in by_experiment.values())
    parts = [f'{counts[name]} {name}' for name in _OUTCOMES if counts[name]]
    sentences = [f'{len(by_experiment)} experiments: {", ".join(parts)}.']
    receipts = [receipt for row in gathered for _, receipt in row.runs]
    if not receipts:
        return [*sentences, 'No run has been stored yet: the tables show what is documented.']
    statuses = Counter(receipt.status for receipt in receipts)
    named = ', '.join(f'{count} {status}' for status, count in sorted(statuses.items()))
    sentences.append(f'{len(receipts)} runs: {named}.')
    machines = {_machine(lookup(r, 'environment') or {}) for r in receipts} - {''}
    if machines:
        sentences.append(f'Measured on {"; ".join(sorted(machines))}.')
    return sentences


_OUTCOMES = ('measured', 'run as smoke only', 'failed', 'not run')


def _outcome(own: Sequence[Row]) -> str:
    if any(row.ok and not row.smoke for row in own):
        return 'measured'
    if any(row.ok for row in own):
        return 'run as smoke only'
    return 'failed' if any(row.runs for row in own) else 'not run'


def _machine(environment: dict) -> str:
    device = environment.get('device_name') or environment.get('cpu')
    torch = (environment.get('packages') or {}).get('torch')
    return '' if not device else f'{device}' + (f', torch {torch}' if torch else '')
