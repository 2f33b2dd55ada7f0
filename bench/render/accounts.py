"""The ledger in the report: a documented mIoU beside every way of averaging the measured one.

Percent is 0 to 100. One run an experiment and setting is accounted for, the first seed's; smoke runs are left out.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import pandas as pd

from bench import store
from bench.experiments import Catalogue
from bench.judging import ledger
from bench.render import cells
from bench.render.gather import Row
from bench.render.tables import Table

_WAYS = {
    'pooled': 'pooled (%)',
    'absent_as_zero': 'absent as 0 (%)',
    'per_image': 'per image (%)',
    'per_image_in_truth': 'per image, in truth (%)',
    'per_image_hit': 'per image, hit (%)',
    'per_batch': 'per batch (%)',
    'per_batch_as_coded': 'per batch, as coded (%)',
    'frequency_weighted': 'by frequency (%)',
}
"""The averagings of the last epoch on whole images, and the heads of their columns."""


@dataclass(frozen=True)
class Account:
    """A row of the report and what the ledger says of its first run."""

    row: Row
    entry: ledger.Entry


def accounts(rows: Iterable[Row], catalogue: Catalogue) -> list[Account]:
    """Return the accounts of all rows that have a documented experiment, a finished run and its confusion matrices."""
    found = []
    for row in rows:
        report = catalogue.reports.get(row.report)
        if row.smoke or not row.ok or row.documented is None or report is None:
            continue
        folder, receipt = row.ok[0]
        if receipt.metrics is None:
            continue
        arrays = store.read_matrices(folder, 'test', 'centre', 'selected')
        if 'test' not in arrays:
            continue
        entry = ledger.enter(report, row.documented, receipt, arrays, documented_data=row.on_documented_data)
        found.append(Account(row, entry))
    return found


def table(slug: str, found: Sequence[Account]) -> Table | None:
    """Return the ledger of a report: a row an account, a column a way of averaging; None without any."""
    own = [one for one in found if one.row.report == slug]
    if not own:
        return None
    about = ('Experiment', 'Setting', 'Seed', 'Documented mIoU (%)', "the report's way (%)")
    columns = (*about, *_WAYS.values())
    body = tuple(_cells(one) for one in own)
    # On other data than the documented nothing is inferred.
    if any(one.entry.inference for one in own):
        columns = (*columns, 'Inference')
        body = tuple((*row, one.entry.inference or cells.DASH) for row, one in zip(body, own, strict=True))
    keys = tuple(one.row.key for one in own)
    title = f'{slug}: ledger of the mIoU'
    return Table(f'{slug}-ledger', title, columns, body, ('ok',) * len(body), 2, keys=keys)


def frame(found: Sequence[Account]) -> pd.DataFrame:
    """Return every way of averaging of every account, a row each."""
    columns = ['id', 'setting', 'seed', 'metric', 'documented', 'own', 'variant', 'value', 'closest', 'meaning']
    records = [
        (
            entry.experiment,
            one.row.setting.label if one.row.setting else '',
            one.row.ok[0][1].seed,
            entry.metric,
            entry.documented.value if entry.documented else None,
            variant.name == entry.own,
            variant.name,
            variant.value,
            variant.name == entry.closest,
            variant.meaning,
        )
        for one in found
        for entry in [one.entry]
        for variant in entry.variants
    ]
    return pd.DataFrame(records, columns=columns)


def _cells(one: Account) -> tuple[str, ...]:
    entry = one.entry
    return (
        one.row.name,
        one.row.setting.label if one.row.setting else cells.DASH,
        str(one.row.ok[0][1].seed),
        cells.number(entry.documented.value if entry.documented else None),
        cells.number(entry.value(entry.own)),
        *(cells.number(entry.value(way)) for way in _WAYS),
    )
