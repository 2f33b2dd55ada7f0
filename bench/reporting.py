"""Stored results -> verdicts -> report: the steps that both commands take, wired once."""

import gc
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bench import catalogue, older_code, paths, store
from bench.experiments import Catalogue
from bench.judging import counts
from bench.records import Receipt
from bench.render.gather import Judged
from bench.settings import Setting

# Before numpy is imported: its matrices are small here, and a second thread of BLAS would only wait, at full power,
# beside the processes that share the work.
os.environ.setdefault('OPENBLAS_NUM_THREADS', '1')

Stored = list[tuple[Path, Receipt]]
Timings = Sequence[Mapping[str, Any]]


def read(results: Path) -> tuple[Stored, Timings]:
    """Return the receipts and cost timings of a results folder.

    The garbage collector, which would look through millions of values again and again for circles that JSON cannot
    have, is told to leave them alone.
    """
    collecting = gc.isenabled()
    gc.disable()
    try:
        found = store.read_all(results), store.read_timings(results)
        gc.freeze()
    finally:
        if collecting:
            gc.enable()
    return found


def counts_file() -> Path:
    """Return the committed table of what every documented network costs."""
    return paths.documented_dir() / counts.FILE


def recount(known: Catalogue) -> None:
    """Bring the counted table up to date; a tenth of a second for each network whose sources changed."""
    counts.refresh(counts_file(), counts.configs_of(known.experiments, paths.configs_dir()))


def uncounted(known: Catalogue) -> list[str]:
    """Return the experiments that the counted table lacks or counted from other sources."""
    return counts.stale(counts.read(counts_file()), counts.configs_of(known.experiments, paths.configs_dir()))


def judge(stored: Stored, known: Catalogue, timings: Timings = ()) -> Judged:
    """Return every claim's verdicts on these results, the intervals of scores, and the runs that older code made."""
    # scipy and pandas: a rerun with nothing to do does without.
    from bench.judging import evidence
    from bench.judging import judge as judging

    intervals: dict[tuple[str, Setting], tuple[float, float]] = {}
    counted, units = counts.read(counts_file()), catalogue.CLAIM_METRICS
    found = judging.verdicts(
        evidence.cases(
            known.claims.values(), stored, known, counted, timings, units,
            leaving=lambda place: intervals.update(place.image_intervals()),
        )
    )  # fmt: skip
    older = older_code.older_runs(stored, known.experiments, paths.configs_dir())
    return Judged(tuple(found), judging.best_verdicts(found), older, intervals, counted)


def refresh(results: Path, known: Catalogue) -> Path:
    """Bring the report of a results folder up to date and return its page; nothing is done where nothing changed."""
    from bench.render import write

    stored, timings = read(results)
    page, _ = write.refresh(stored, known, results / 'report', timings, lambda: judge(stored, known, timings))
    return page
