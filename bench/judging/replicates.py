"""Scores on resampled images of many runs, on every processor; each run's matrices are read once for all metrics."""

from collections.abc import Sequence
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from pathlib import Path

from bench import forks
from bench.judging.scored_images import Replicates, ScoredImages

MANY = 200
"""From this many runs on, processes that share the work save more time than they take to start."""
CHUNK = 16


@dataclass(frozen=True)
class Wanted:
    """``metrics`` of one run; the other fields are those of ``ScoredImages``."""

    folder: Path
    dataset: str
    class_names: tuple[str, ...]
    metrics: tuple[str, ...]


def of_runs(wanted: Sequence[Wanted]) -> list[dict[str, Replicates | None]]:
    """Return the replicates of every run by metric, in the order of ``wanted``.

    A process that is killed, as by a lack of memory, costs time alone: everything is then computed here.
    Runs without matrices, or with damaged ones, have none.
    """
    if len(wanted) >= MANY and forks.may_share_work():
        try:
            return _shared(wanted)
        except BrokenProcessPool:
            pass
    return [_of_run(one) for one in wanted]


def _shared(wanted: Sequence[Wanted]) -> list[dict[str, Replicates | None]]:
    with forks.pool() as pool:
        return list(pool.map(_of_run, wanted, chunksize=CHUNK))


def _of_run(one: Wanted) -> dict[str, Replicates | None]:
    scored = ScoredImages(one.folder, one.dataset, one.class_names)
    return {metric: scored.replicates(metric) for metric in one.metrics}
