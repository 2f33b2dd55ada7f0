"""What the runs of a row cost: arithmetic, latency, memory, time; only what may stand beside the other rows'. Pure."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from statistics import median
from typing import Any, Literal

from bench.judging import comparable, run_values
from bench.records import Receipt
from bench.render.gather import Row, lookup


@dataclass(frozen=True)
class Latency:
    """The median latency in ms over the seeds that were timed on one ``apparatus``: device, threads, precision.

    ``contended``: every one of them was timed while others shared the device.
    """

    p50_ms: float
    apparatus: str
    contended: bool


def latency(row: Row) -> Latency | None:
    """Return the latency of a row: of the seeds timed alone, if any, on what most of these were timed on."""
    groups: dict[tuple[bool, str], list[float]] = {}
    for receipt, shared in row.timed:
        groups.setdefault((shared, apparatus(receipt)), []).append(lookup(receipt, 'latency', 'p50_ms'))
    if not groups:
        return None
    contended, name = min(groups, key=lambda group: (group[0], -len(groups[group])))
    return Latency(median(groups[contended, name]), name, contended)


def apparatus(receipt: Receipt) -> str:
    """Name what a latency was measured on: device, threads, precision."""
    made = comparable.apparatus(receipt.environment or {}, receipt.latency or {})
    precision = lookup(receipt, 'latency', 'precision')
    return ', '.join(filter(None, [comparable.on_what(made), precision]))


def usual(rows: Iterable[Row]) -> str:
    """Return what most of the rows were timed on; empty where none was timed."""
    found = Counter(timed.apparatus for row in rows if (timed := latency(row)))
    return found.most_common(1)[0][0] if found else ''


def aside(timed: Latency, usual: str) -> list[str]:
    """Return what a reader must know of a latency that stands among others measured on ``usual``."""
    known, own = usual.split(', '), timed.apparatus.split(', ')
    other = [part for part in own if part not in known]
    if timed.apparatus != usual and not other:
        other = own
    return [*other, *(['contended'] if timed.contended else [])]


def memory(row: Row, work: Literal['train', 'inference']) -> float | None:
    """Return the bytes that a training or one forward takes, median of the finished runs that tell it.

    On a CPU a process that did not keep what it had freed was measured otherwise: its receipt does not say
    ``keeps_freed_memory``, and it does not compare with others.
    """
    found = [value for _, receipt in row.ok if (value := _memory(receipt, work)) is not None]
    return median(found) if found else None


def _memory(receipt: Receipt, work: Literal['train', 'inference']) -> float | None:
    environment = receipt.environment or {}
    on_cpu = str(environment.get('device') or 'cpu') == 'cpu'
    if on_cpu and 'keeps_freed_memory' not in environment:
        return None
    return run_values.memory_bytes(receipt.memory, work, receipt.run_cost)


def training_time(row: Row) -> tuple[float | None, bool]:
    """Return the mean seconds of the trainings that had the machine to themselves; of all, and True, where none had."""
    found = [(run_values.shared(receipt), lookup(receipt, 'train', 'wall_sec')) for _, receipt in row.ok]
    alone = [seconds for shared, seconds in found if seconds is not None and not shared]
    known = alone or [seconds for _, seconds in found if seconds is not None]
    return (sum(known) / len(known), not alone) if known else (None, False)


def counted(row: Row, name: str) -> Any:
    """Return ``flops``, ``params`` or ``input_shape`` at the documented size, which are counted without any run."""
    found = row.first('cost', name)
    return row.counted.get('cost', {}).get(name) if found is None else found


def share_of_documented(row: Row) -> float | None:
    """Return the share of the documented epochs that the finished runs trained on average; 1 is all of them."""
    documented = row.counted.get('documented', {}).get('epochs')
    epochs = row.spread('train', 'epochs').mean
    return epochs / documented if epochs and documented else None
