"""Join receipts with the catalogue: one row for each experiment and setting it ran in. Pure."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from math import sqrt
from pathlib import Path
from statistics import fmean
from typing import Any

from bench.claims import MEASURED, Verdict
from bench.experiments import Catalogue, Experiment
from bench.judging.comparable import PRECISE_ASIDE
from bench.judging.run_values import lacking_weights, precise_miou
from bench.records import Receipt
from bench.settings import Setting, setting_of

Stored = tuple[Path, Receipt]
NOT_RUN = 'not run'


@dataclass(frozen=True)
class Judged:
    """What was made of the receipts: verdicts, intervals of scores, the runs from older sources; and what is counted.

    ``verdicts`` are grouped by claim, the most telling setting first; ``best`` maps a claim to the one to believe (the
    first where it is not given). ``older`` holds ids of receipts whose key differs from that of the present sources.
    ``image_intervals`` has, by experiment and setting, the 95 % interval of the mean mIoU over the choice of images,
    ``counts`` what every documented network costs and what it was trained on (``judging.counts``).
    """

    verdicts: tuple[Verdict, ...] = ()
    best: Mapping[str, Verdict] = field(default_factory=dict)
    older: frozenset[str] = frozenset()
    image_intervals: Mapping[tuple[str, Setting], tuple[float, float]] = field(default_factory=dict)
    counts: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def of(self, claim: str) -> Verdict | None:
        """Return the verdict to believe of ``claim``; None where it was not judged."""
        return self.best.get(claim) or next((one for one in self.verdicts if one.claim == claim), None)

    def on(self, claim: str, setting: str) -> Verdict | None:
        """Return what was measured of ``claim`` on a setting, by its label; else the verdict to believe."""
        there = (one for one in self.verdicts if one.claim == claim and one.setting == setting)
        return next((one for one in there if one.answer in MEASURED), None) or self.of(claim)


@dataclass(frozen=True)
class Spread:
    """Repeated measurements of one quantity: ``deviation`` is the sample's, None for fewer than two values."""

    values: tuple[float, ...]

    @property
    def n(self) -> int:
        return len(self.values)

    @property
    def mean(self) -> float | None:
        return sum(self.values) / self.n if self.values else None

    @property
    def deviation(self) -> float | None:
        if self.n < 2:
            return None
        mean = sum(self.values) / self.n
        return sqrt(sum((value - mean) ** 2 for value in self.values) / (self.n - 1))

    def interval(self, level: float = 0.95) -> tuple[float, float] | None:
        """Return Student's two-sided interval of the mean; None for fewer than two values."""
        if self.deviation is None or self.mean is None:
            return None
        # A tenth of a second to import: whoever only joins receipts does without.
        from scipy.special import stdtrit

        half = float(stdtrit(self.n - 1, 0.5 + level / 2)) * self.deviation / sqrt(self.n)
        return self.mean - half, self.mean + half


@dataclass(frozen=True)
class Row:
    """An experiment in one setting with its runs by seed, or an experiment that never ran (``setting`` is None).

    ``documented`` is None for a receipt whose experiment the catalogue does not know. ``older`` are the ids of those
    of its runs that were made with other sources than the present ones, which is no mark of the row where it is so of
    ``all_older`` runs there are. ``over_images`` is the 95 % interval of its mean mIoU over the choice of test images,
    ``counted`` what is known of the experiment without any run; ``lacking``: a run, or one that it starts from, did
    without the documented initial weights.
    """

    experiment: str
    documented: Experiment | None
    setting: Setting | None
    runs: tuple[Stored, ...] = ()
    older: frozenset[str] = frozenset()
    over_images: tuple[float, float] | None = None
    counted: Mapping[str, Any] = field(default_factory=dict)
    all_older: bool = False
    lacking: bool = False

    @property
    def key(self) -> str:
        """A name of the row that no other row has."""
        return f'{self.experiment} {self.setting.slug}' if self.setting else self.experiment

    @property
    def report(self) -> str:
        return self.experiment.split('/')[0]

    @property
    def name(self) -> str:
        return self.experiment.split('/', 1)[1]

    @cached_property
    def ok(self) -> list[Stored]:
        return [stored for stored in self.runs if stored[1].status == 'ok']

    @property
    def smoke(self) -> bool:
        return self.setting is not None and self.setting.smoke

    @property
    def on_documented_data(self) -> bool:
        """Whether the runs are on the data set that the documented numbers are of."""
        return self.setting is not None and self.setting.dataset == self.counted.get('documented', {}).get('dataset')

    def spread(self, block: str, key: str) -> Spread:
        """Return the values of ``key`` in ``block`` of the finished runs, in the order of their seeds."""
        values = (lookup(receipt, block, key) for _, receipt in self.ok)
        return Spread(tuple(value for value in values if value is not None))

    def first(self, block: str, *keys: str) -> Any:
        """Return the value at ``keys`` in ``block`` of the first finished run that has one, or None."""
        values = (lookup(receipt, block, *keys) for _, receipt in self.ok)
        return next((value for value in values if value is not None), None)

    @property
    def precise(self) -> tuple[float, float] | None:
        """Return the mean mIoU with precise batch norm, and without of the same runs; None where no run has it."""
        found = [
            (precise, lookup(receipt, 'metrics', 'miou'))
            for _, receipt in self.ok
            if (precise := precise_miou(receipt)) is not None
        ]
        return (fmean(one for one, _ in found), fmean(one for _, one in found)) if found else None

    @property
    def moved_by_precise(self) -> str:
        """Return the mean mIoU with precise batch norm, where it lies so far from the other that a reader must know."""
        if self.precise is None or abs(self.precise[0] - self.precise[1]) < PRECISE_ASIDE:
            return ''
        return f'{self.precise[0]:.1f} with precise batch norm'

    @property
    def status(self) -> str:
        """``ok``, ``not run``, ``undescribed``, or what went wrong and how often."""
        if not self.runs:
            undescribed = self.documented is not None and self.documented.status == 'undescribed'
            return 'undescribed' if undescribed else NOT_RUN
        counts = Counter(receipt.status for _, receipt in self.runs)
        if len(self.runs) == 1:
            return self.runs[0][1].status
        return 'ok' if set(counts) == {'ok'} else ', '.join(f'{counts[name]} {name}' for name in sorted(counts))

    @property
    def timed(self) -> list[tuple[Receipt, bool]]:
        """The finished runs that have a latency, and whether others shared the device then."""
        found = [receipt for _, receipt in self.ok if lookup(receipt, 'latency', 'p50_ms') is not None]
        return [(receipt, bool(lookup(receipt, 'latency', 'contended'))) for receipt in found]

    @property
    def marks(self) -> list[str]:
        """What a reader of the row's numbers must know."""
        if not self.ok or self.setting is None:
            return []
        marks = [] if self.setting.budget == 'full' else ['smoke' if self.smoke else 'reduced budget']
        if self.timed and all(contended for _, contended in self.timed):
            marks.append('contended')
        if self.moved_by_precise:
            marks.append(self.moved_by_precise)
        if self.lacking:
            marks.append('other initial weights')
        older = sum(receipt.id in self.older for _, receipt in self.ok)
        if older and not self.all_older:
            marks.append('older code' if older == len(self.ok) else f'older code ({older} of {len(self.ok)})')
        return marks

    @property
    def reason(self) -> str:
        """Why something is missing: of each run that failed, or of an experiment that cannot run."""
        if not self.runs:
            return self.documented.reason if self.documented is not None else ''
        failed = [receipt for _, receipt in self.runs if receipt.status != 'ok']
        several = len(self.runs) > 1
        return '; '.join(f'seed {r.seed}: {r.reason or r.status}' if several else r.reason for r in failed)

    def documented_miou(self) -> tuple[float | None, str]:
        """Return the documented mIoU in percent and ``val`` where only the validation score is printed."""
        if self.documented is None:
            return None, ''
        value = self.documented.value('miou')
        return (value, '') if value is not None else (self.documented.value('val_miou'), 'val')


def rows(stored: Iterable[Stored], catalogue: Catalogue, judged: Judged | None = None) -> list[Row]:
    """Return every experiment's rows: catalogue order, then experiments unknown to it; one row a setting.

    An experiment without a receipt has one row without a setting. The order of ``stored`` does not matter.
    """
    judged = judged or Judged()
    found: dict[str, dict[Setting, list[Stored]]] = {}
    finished = set()
    ran: dict[Setting, dict[tuple[str, int], Receipt]] = {}
    for folder, receipt in stored:
        found.setdefault(receipt.experiment, {}).setdefault(setting_of(receipt), []).append((folder, receipt))
        if receipt.status == 'ok':
            finished.add(receipt.id)
            ran.setdefault(setting_of(receipt), {})[receipt.experiment, receipt.seed] = receipt
    unknown = sorted(set(found) - set(catalogue.experiments))
    gathered = []
    for name in [*catalogue.experiments, *unknown]:
        documented = catalogue.experiments.get(name)
        settings, counted = found.get(name, {}), judged.counts.get(name, {})
        for setting in sorted(settings, key=lambda one: one.order):
            runs = sorted(settings[setting], key=lambda one: (one[1].seed, one[1].id))
            own = judged.older.intersection(receipt.id for _, receipt in runs)
            interval = judged.image_intervals.get((name, setting))
            older = finished <= judged.older
            lacking = any(lacking_weights(one, ran[setting]) for _, one in runs if one.status == 'ok')
            gathered.append(Row(name, documented, setting, tuple(runs), own, interval, counted, older, lacking))
        if not settings:
            gathered.append(Row(name, documented, None, counted=counted))
    return gathered


def settings_of(gathered: Iterable[Row]) -> list[Setting]:
    """Return the settings that occur, the most telling first."""
    return sorted({row.setting for row in gathered if row.setting is not None}, key=lambda one: one.order)


def telling(settings: Sequence[Setting]) -> list[Setting]:
    """Return the settings worth a figure: all but smoke, or smoke where there is nothing else."""
    return [setting for setting in settings if not setting.smoke] or list(settings)


def telling_rows(gathered: Sequence[Row]) -> list[Row]:
    """Leave out the smoke rows of experiments that were also run for real; what failed is never left out."""
    real = {row.experiment for row in gathered if row.ok and not row.smoke}
    return [row for row in gathered if not (row.smoke and row.status == 'ok' and row.experiment in real)]


def reports_of(gathered: Iterable[Row]) -> list[str]:
    """Return the slugs of the reports that have a row, in order, but those of which nothing ran last."""
    gathered = list(gathered)
    ran = {row.report for row in gathered if row.runs}
    return sorted(dict.fromkeys(row.report for row in gathered), key=lambda slug: slug not in ran)


def lookup(receipt: Receipt, block: str, *keys: str) -> Any:
    """Return a value of one of the receipt's blocks, or None where the block or a key is missing."""
    value = getattr(receipt, block)
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value


def class_names(gathered: Sequence[Row]) -> list[str]:
    """Return the class names scored in these rows, in the order of the label values."""
    names = (name for row in gathered for name in (row.first('metrics', 'per_class_iou') or {}))
    return list(dict.fromkeys(names))
