"""Which stored runs were made with other sources than the present ones. Reads text only; runs nothing."""

from collections.abc import Iterable, Mapping
from pathlib import Path

from bench import sources
from bench.experiments import Experiment
from bench.records import Receipt, Run

Stored = tuple[Path, Receipt]


def older_runs(stored: Iterable[Stored], experiments: Mapping[str, Experiment], configs: Path) -> frozenset[str]:
    """Return the ids of the receipts whose key is not the one that a run made now would get.

    A receipt is left out where nothing can be said: no config of that name, no data manifest, no size, or a parent
    whose receipt is not here.
    """
    receipts = {receipt.id: receipt for _, receipt in stored}
    present = {name: _present_key(receipt, receipts, experiments, configs) for name, receipt in receipts.items()}
    return frozenset(name for name, key in present.items() if key is not None and key != receipts[name].key)


def _present_key(
    receipt: Receipt, receipts: Mapping[str, Receipt], experiments: Mapping[str, Experiment], configs: Path
) -> str | None:
    """Return the key of the same run made now; parents count with the keys that they would get now."""
    config = configs / f'{receipt.experiment}.py'
    manifest = (receipt.data or {}).get('manifest')
    if manifest is None or receipt.size is None or receipt.experiment not in experiments or not config.is_file():
        return None
    run = _run(receipt)
    parents = []
    for parent in experiments[receipt.experiment].parents:
        known = receipts.get(f'{parent}/{run.variant}')
        key = None if known is None else _present_key(known, receipts, experiments, configs)
        if key is None:
            return None
        parents.append(key)
    return sources.key(run, config, manifest, parents)


def _run(receipt: Receipt) -> Run:
    height, width = receipt.size or (0, 0)
    device = str((receipt.environment or {}).get('device') or 'cpu')
    return Run(
        receipt.experiment,
        receipt.dataset,
        (height, width),
        receipt.budget,
        1.0 if receipt.factor is None else receipt.factor,
        receipt.seed,
        receipt.precision,
        device,
        switches=tuple(receipt.switches),
    )
