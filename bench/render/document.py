"""What a report shows, in reading order: summary, rankings, then each documented report. No file is written here."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from bench.experiments import Catalogue, Experiment, Report
from bench.render import accounts, costs, drawn, tables, verdicts
from bench.render.drawing import Drawing, draw
from bench.render.drawn import Drawn, Picture
from bench.render.gather import Judged, Row, Stored, lookup, reports_of, rows, settings_of, telling, telling_rows
from bench.render.tables import Table
from bench.render.timings import Timing, cost_tables, legend
from bench.settings import Setting

_NOTHING = Judged()


@dataclass(frozen=True)
class Section:
    """One documented report (``head`` is None for experiments unknown to the catalogue), or one setting's ranking."""

    slug: str
    head: Report | None
    tables: tuple[Table, ...]
    pictures: tuple[Picture, ...] = ()
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
    judged: Judged = _NOTHING
    figured: tuple[Setting, ...] = ()
    ledger: tuple[accounts.Account, ...] = ()

    @property
    def pictures(self) -> list[Picture]:
        return [picture for section in (*self.rankings, *self.sections) for picture in section.pictures]

    @property
    def tables(self) -> list[Table]:
        return [table for section in (*self.rankings, *self.sections) for table in (*section.tables, *section.classes)]


def build(
    stored: Iterable[Stored],
    catalogue: Catalogue,
    timings: Sequence[Timing] = (),
    judged: Judged = _NOTHING,
    drawing: Drawing | None = None,
) -> Document:
    """Return the document of these receipts, cost timings and verdicts; the order of the first two does not matter.

    ``drawing`` gives the pictures of the same receipts (``drawing.beside``), last; without it they are drawn here.
    """
    stored = list(stored)
    gathered = rows(stored, catalogue, judged)
    settings = telling(settings_of(gathered))
    in_setting: dict[Setting | None, list[Row]] = {}
    for row in gathered:
        in_setting.setdefault(row.setting, []).append(row)
    ledger = accounts.accounts(gathered, catalogue)
    shown = drawn.figured(gathered)
    rankings = [one for setting in settings if (one := _ranking(setting, in_setting[setting], setting in shown))]
    sections = [_section(slug, gathered, catalogue, judged, ledger) for slug in reports_of(gathered)]
    costs = [Section(table.name, None, (table,), notes=(legend(table),)) for table in cost_tables(timings, catalogue)]
    made = Document(
        summary=(*_summary(gathered), *_verdict_sentences(catalogue, judged)),
        rankings=(*rankings, *costs),
        sections=tuple(sections),
        has_smoke=any(row.smoke for row in telling_rows(gathered)),
        rows=tuple(gathered),
        catalogue=catalogue,
        judged=judged,
        figured=_figured(gathered),
        ledger=tuple(ledger),
    )
    return _illustrated(made, drawing() if drawing else draw(stored, catalogue))


def _illustrated(document: Document, found: Drawn) -> Document:
    of_setting = {setting.slug: pictures for setting, pictures in found.rankings.items()}
    return replace(
        document,
        rankings=tuple(replace(one, pictures=of_setting.get(one.slug, ())) for one in document.rankings),
        sections=tuple(replace(one, pictures=found.sections.get(one.slug, ())) for one in document.sections),
    )


def _figured(gathered: Sequence[Row]) -> tuple[Setting, ...]:
    """Return the settings that are drawn of all reports together and of each, every one once."""
    each = [list(gathered), *([row for row in gathered if row.report == slug] for slug in reports_of(gathered))]
    return tuple(dict.fromkeys(setting for own in each for setting in drawn.figured(own)))


def _ranking(setting: Setting, own: Sequence[Row], is_drawn: bool) -> Section | None:
    table = tables.ranking(setting, own)
    if not table.rows:
        return None
    usual = costs.usual(own)
    on = f'Latency on {usual}, unless said otherwise.' if usual else ''
    without = '' if is_drawn else f'No figures: only the {drawn.FIGURED} settings with the most runs are drawn.'
    notes = dict.fromkeys([*(_note(row) for row in own), on, without])
    return Section(setting.slug, None, (table,), notes=tuple(note for note in notes if note))


def _section(
    slug: str, gathered: Sequence[Row], catalogue: Catalogue, judged: Judged, ledger: Sequence[accounts.Account]
) -> Section:
    own = [row for row in gathered if row.report == slug]
    shown = telling_rows(own)
    in_setting = {setting: [row for row in own if row.setting == setting] for setting in telling(settings_of(own))}
    per_class = [tables.per_class(slug, setting, mine) for setting, mine in in_setting.items()]
    made = (
        tables.accuracy(slug, shown, lambda row: verdicts.touching(row, catalogue, judged)),
        accounts.table(slug, ledger),
        tables.cost(slug, shown),
        verdicts.table(slug, catalogue, judged),
    )
    return Section(
        slug,
        catalogue.reports.get(slug),
        tuple(table for table in made if table),
        (),
        tuple(row.documented for row in {row.experiment: row for row in own}.values() if row.documented),
        tuple(table for table in per_class if table),
        tuple(dict.fromkeys(f'{row.setting.dataset}: {note}' for row in own if row.setting and (note := _note(row)))),
    )


def _note(row: Row) -> str:
    """Return what is to be known of a row's data set, beside its scores and their intervals."""
    return row.first('data', 'note') or ''


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
    if older := _older_sentence([row for row in gathered if row.ok]):
        sentences.append(older)
    machines = {_machine(lookup(r, 'environment') or {}) for r in receipts} - {''}
    if machines:
        sentences.append(f'Measured on {"; ".join(sorted(machines))}.')
    return sentences


def _older_sentence(finished: Sequence[Row]) -> str:
    """Return how many of the finished runs were made with other sources than the present ones; empty for none."""
    older = sum(receipt.id in row.older for row in finished for _, receipt in row.ok)
    if not older:
        return ''
    marked = '' if finished[0].all_older else ' Their rows are marked.'
    return (
        f'{older} of {sum(len(row.ok) for row in finished)} finished runs were made with older code than the present; '
        f'whether that would give other numbers is not known.{marked}'
    )


def _verdict_sentences(catalogue: Catalogue, judged: Judged) -> list[str]:
    """Return how many claims held and how many fell; nothing where nothing is claimed."""
    counts = verdicts.tally(catalogue, judged)
    if not counts:
        return []
    best = [one for name in catalogue.claims if (one := judged.of(name))]
    reduced, foreign = sum(one.reduced_budget for one in best), sum(one.other_data for one in best)
    short = f' {reduced} of these answers rest on trainings shorter than documented' if reduced else ''
    aside = f'{short}, {foreign} on another data set.' if reduced and foreign else f'{short}.' if reduced else ''
    return [f'{len(catalogue.claims)} claims: {verdicts.counted(counts)}.{aside}']


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
