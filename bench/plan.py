"""Experiments, a data set, a budget and seeds become runs, in order, with a reason for what is left out. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from graphlib import CycleError, TopologicalSorter

from bench.errors import PlanError
from bench.experiments import Experiment
from bench.records import BudgetRule, Precision, Run, Size, Switch


@dataclass(frozen=True)
class Plan:
    """``runs`` in the order they are to start, parents before children; ``left_out`` maps an id to the reason."""

    runs: tuple[Run, ...]
    left_out: Mapping[str, str]


def make_plan(
    experiments: Mapping[str, Experiment],
    selected: Sequence[str],
    *,
    dataset: str,
    size: Size,
    rule: BudgetRule,
    seeds: Sequence[int] = (0,),
    precision: Precision = 'fp32',
    device: str = 'cpu',
    switches: tuple[Switch, ...] = (),
) -> Plan:
    """Plan every selected experiment once a seed; what they start from is planned with them.

    The first seed of everything comes before the second of anything, so that an interrupted campaign has a whole table.

    Raises:
        PlanError: there is no seed, one is negative, or experiments start from each other in a circle.
    """
    if not seeds or min(seeds) < 0:
        raise PlanError(f'seeds {list(seeds)}: at least one is needed, and none below 0')
    left_out = {name: experiments[name].reason for name in selected if experiments[name].status == 'undescribed'}
    wanted = [name for name in selected if name not in left_out]
    ordered = _parents_first(experiments, wanted)
    runs = tuple(
        _with_parents(
            Run(name, dataset, size, rule.name, rule.factor, seed, precision, device, switches=switches),
            experiments[name].parents,
        )
        for seed in seeds
        for name in ordered
    )
    return Plan(runs, left_out)


def _parents_first(experiments: Mapping[str, Experiment], wanted: Sequence[str]) -> list[str]:
    needed: dict[str, tuple[str, ...]] = {}
    queue = list(wanted)
    while queue:
        name = queue.pop(0)
        if name not in needed:
            needed[name] = experiments[name].parents
            queue.extend(experiments[name].parents)
    sorter = TopologicalSorter(needed)
    try:
        sorter.prepare()
    except CycleError as error:
        raise PlanError(f'experiments start from each other in a circle: {" -> ".join(error.args[1])}') from error
    rank = {name: position for position, name in enumerate(needed)}
    ordered: list[str] = []
    while sorter.is_active():
        # Keep the user's order wherever dependencies leave it free.
        free = sorted(sorter.get_ready(), key=rank.__getitem__)
        ordered += free
        sorter.done(*free)
    return ordered


def _with_parents(run: Run, parents: Sequence[str]) -> Run:
    return replace(run, parents=tuple(f'{parent}/{run.variant}' for parent in parents))
