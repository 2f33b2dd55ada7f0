"""Wire the steps: catalogue and data set to plan, plan to jobs, jobs to receipts, receipts to the report."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import inf
from pathlib import Path
from statistics import median
from typing import Any

from bench import budgets, data_sets, devices, environment, forecast, inheritance, plan, repeats, sources, store
from bench.catalogue import Catalogue
from bench.execute.schedule import Outcome, Schedule
from bench.forecast import Footprint, Measured
from bench.judging.run_values import lacking_weights
from bench.records import (
    BudgetRule,
    DataSet,
    Forecast,
    Job,
    Precision,
    Receipt,
    Run,
    Size,
    Status,
    Switch,
)

Engine = Callable[[Schedule[Job], Callable[[Job, dict[str, Any]], None]], Iterator[Outcome[Job]]]
"""Carries out a schedule, hands on what workers say, yields how each job ended."""

REPEATED = frozenset({'interrupted', 'skipped'})
"""Statuses that say nothing about the run itself: such runs are tried again without being asked for."""


@dataclass(frozen=True)
class Setting:
    """What the user chose, resolved: where, how big, how many; ``own`` are the configs of own models by id.

    Runs are spread over ``devices`` (all of one kind), at most ``slots`` on each and ``jobs`` at once.
    """

    dataset: DataSet
    size: Size
    rule: BudgetRule
    seeds: Sequence[int]
    precision: Precision
    devices: tuple[str, ...]
    slots: int
    jobs: int
    results: Path
    configs: Path
    weights: Path
    keep_checkpoints: bool = False
    retry_failed: bool = False
    timeout_sec: float | None = None
    deadline: float | None = None
    own: Mapping[str, Path] = field(default_factory=dict)
    switches: tuple[Switch, ...] = ()


@dataclass
class Prepared:
    """A plan ready to be carried out: jobs still to do, statuses of those that are not.

    ``runs`` are all of the plan, ``needed`` the folders of those whose weights others start from; ``footprints`` are
    the counted networks by folder, ``measured`` what finished runs tell about the next ones, ``paces`` how many times
    their forecast those of this campaign took, ``lacking`` by how many of the jobs documented weights will be missed.
    """

    setting: Setting
    jobs: list[Job]
    forecasts: dict[str, Forecast]
    statuses: dict[str, Status]
    left_out: dict[str, str] = field(default_factory=dict)
    runs: tuple[Run, ...] = ()
    needed: set[str] = field(default_factory=set)
    footprints: dict[str, Footprint] = field(default_factory=dict)
    measured: Measured = field(default_factory=Measured)
    paces: list[float] = field(default_factory=list)
    lacking: Counter[str] = field(default_factory=Counter)

    def need(self, job: Job) -> Forecast:
        """Return what ``job`` is expected to need, as far as it is known now."""
        counted = self.footprints[job.folder]
        classes = len(job.dataset.classes)
        memory = self.measured.memory_bytes(counted, job.run, classes, job.accumulate)
        forecast_now = self.forecasts[job.folder]
        # Never sooner than forecast: a limit of time is kept rather by too few runs than by too many.
        pace = max(1.0, median(self.paces)) if self.paces else 1.0
        return replace(forecast_now, memory_bytes=memory, wall_sec=pace * forecast_now.wall_sec)


def find_dataset(name: str, root: Path | None, classes: Path | None) -> DataSet:
    """Find a data set on disk; see ``data_sets.find``."""
    return data_sets.find(name, root, classes)


def prepare(known: Catalogue, ids: Sequence[str], setting: Setting) -> Prepared:
    """Plan the selected experiments, check the data, and find out which runs are already done.

    Raises:
        DataError: the data set breaks a rule.
        PlanError: a selected experiment has no config, or a run cannot be forecast.
    """
    manifest = data_sets.check(setting.dataset, data_sets.cache_folder())
    made = plan.make_plan(
        known.experiments,
        ids,
        dataset=_data_name(setting.dataset, manifest),
        size=setting.size,
        rule=setting.rule,
        seeds=setting.seeds,
        precision=setting.precision,
        device=setting.devices[0],
        switches=setting.switches,
    )
    keys: dict[str, str] = {}
    for run in made.runs:
        parents = [keys[parent] for parent in run.parents]
        keys[run.folder] = sources.key(run, _config(setting, run), manifest.sha256, parents)
    measured = Measured()
    statuses: dict[str, tuple[Status, bool]] = {}
    for run in made.runs:
        # Of a receipt only this is kept: there may be a hundred thousand.
        receipt = store.read(setting.results, run)
        if receipt is not None:
            measured.add(receipt)
            current = receipt.key == keys[run.folder] and not _to_repeat(receipt, setting)
            statuses[run.folder] = (receipt.status, current)

    def done(run: Run) -> Status | None:
        status, current = statuses.get(run.folder, (None, False))
        return status if current else None

    todo, needed = inheritance.unfinished(made.runs, done, setting.results)
    waiting = {run.folder for run in todo}
    settled = {folder: status for folder, (status, _) in statuses.items() if folder not in waiting}
    prepared = Prepared(setting, [], {}, settled, dict(made.left_out), made.runs, needed, measured=measured)
    if todo:
        _learn_from_others(prepared)
        _add_jobs(prepared, todo, keys, manifest)
    return prepared


def _data_name(dataset: DataSet, manifest: data_sets.Manifest) -> str:
    """Return what runs call their data: what has no name of its own is told apart by its content."""
    return f'{dataset.name}-{manifest.sha256[:8]}' if dataset.name == 'folder' else dataset.name


def _learn_from_others(prepared: Prepared) -> None:
    """Take in the receipts of the results folder that do not belong to the plan."""
    planned = {run.folder for run in prepared.runs}
    for folder, receipt in store.read_each(prepared.setting.results):
        if folder.relative_to(prepared.setting.results).as_posix() not in planned:
            prepared.measured.add(receipt)


def _to_repeat(receipt: Receipt, setting: Setting) -> bool:
    failed = setting.retry_failed and receipt.status != 'ok'
    return receipt.status in REPEATED or failed or _has_weights_now(receipt, setting.weights)


def _has_weights_now(receipt: Receipt, weights: Path) -> bool:
    """Whether the documented weights that a run had to do without have been brought since."""
    missed = lacking_weights(receipt)
    return bool(missed) and (receipt.init or {}).get('used') == 'random' and (weights / f'{missed}.pth').exists()


def _config(setting: Setting, run: Run) -> Path:
    return sources.config_of(run.experiment, setting.configs, setting.own)


def _speeds(measured: Measured) -> dict[Any, float]:
    """Return the speeds measured here and, where there are none yet, those usual for a processor like this one."""
    # AVX-512, and Arm's bf16, are what both precisions are fast with.
    narrow = environment.computes_bf16() is False
    return {**(forecast.NARROW_MACS_PER_SEC if narrow else {}), **measured.speeds()}


def _add_jobs(prepared: Prepared, todo: Sequence[Run], keys: dict[str, str], manifest: data_sets.Manifest) -> None:
    from bench.execute import counting

    setting, measured = prepared.setting, prepared.measured
    threads = environment.threads(setting.jobs)
    lists = data_sets.write_pair_lists(
        setting.dataset, data_sets.cache_folder() / 'lists' / f'{setting.dataset.name}-{manifest.sha256[:12]}'
    )
    classes, train_images = len(setting.dataset.classes), len(setting.dataset.splits['train'])
    requests = [
        counting.CountRequest(
            run, _config(setting, run), setting.rule, classes, train_images, setting.dataset.base_size
        )
        for run in todo
    ]
    counted = counting.count(requests, data_sets.cache_folder())
    speeds = _speeds(measured)
    usable = int(devices.USABLE_SHARE * min(devices.device_bytes(device) for device in setting.devices))
    for run, found in zip(todo, counted, strict=True):
        footprint = found.footprint
        rule = budgets.for_network(setting.rule, footprint.params, footprint.macs_image)
        parts = forecast.micro_batches(footprint, run.device, usable)
        parts = forecast.micro_batches(measured.after_oom(footprint, run, classes, parts), run.device, usable)
        prepared.jobs.append(
            Job(
                run=run,
                config=_config(setting, run),
                dataset=setting.dataset,
                manifest=manifest.sha256,
                pair_lists=lists,
                rule=rule,
                results=setting.results,
                key=keys[run.folder],
                weights=setting.weights,
                threads=threads,
                accumulate=parts,
                keep_checkpoints=setting.keep_checkpoints or run.folder in prepared.needed,
                class_pixels=tuple(manifest.class_pixels['train']),
                cost=found.cost,
                run_cost=found.run_cost,
            )
        )
        images = _scored_images(setting.dataset, rule)
        if found.weights and not (setting.weights / f'{found.weights}.pth').exists():
            prepared.lacking[found.weights] += 1
        prepared.footprints[run.folder] = footprint
        prepared.forecasts[run.folder] = forecast.forecast(footprint, run, rule, images, threads, speeds)


def _scored_images(dataset: DataSet, rule: BudgetRule) -> dict[str, int]:
    splits = dataset.splits
    test = splits[dataset.test_split]
    limits = {
        'train': (splits['train'], rule.scored_train_images),
        'val': (splits.get('val', test), rule.val_images),
        'test': (test, rule.test_images),
    }
    return {name: len(pairs) if limit is None else min(limit, len(pairs)) for name, (pairs, limit) in limits.items()}


def carry_out(prepared: Prepared, engine: Engine | None = None) -> dict[str, Status]:
    """Carry out the jobs and return the status of every planned run by its folder.

    Args:
        engine: what starts the jobs; processes of this machine if None.

    Raises:
        KeyboardInterrupt: after the running workers saved a checkpoint and ended.
    """
    if not prepared.jobs:
        return prepared.statuses
    from bench.progress import Progress

    setting, statuses = prepared.setting, prepared.statuses
    schedule = Schedule(
        prepared.jobs,
        devices.places(setting.devices, setting.slots),
        need=prepared.need,
        parents=lambda job: job.run.parents,
        statuses=statuses,
        at_once=setting.jobs,
        deadline=setting.deadline,
    )
    heirs = inheritance.Heirs(
        setting.results, prepared.runs, lambda run: statuses.get(run.folder, 'interrupted') in REPEATED
    )
    with Progress(prepared.forecasts, setting.jobs) as progress:
        for outcome in (engine or _local_engine(prepared))(schedule, progress.event):
            statuses[outcome.job.folder] = outcome.status
            _settle(prepared, outcome)
            if outcome.status not in REPEATED:
                heirs.settled(outcome.job.run)
            progress.ended(outcome)
    return statuses


def _local_engine(prepared: Prepared) -> Engine:
    from bench.execute.local import Limits, LocalEngine

    def timeout_sec(job: Job) -> float:
        # Without a limit of the user's, a run may take what it takes: one that does nothing any more is ended sooner.
        return prepared.setting.timeout_sec or inf

    def placed(job: Job, device: str) -> Job:
        return replace(job, run=replace(job.run, device=device), memory_bytes=prepared.need(job).memory_bytes)

    limits = Limits(timeout_sec)
    return lambda schedule, on_event: LocalEngine(limits, on_event, placed=placed).run(schedule)


def _settle(prepared: Prepared, outcome: Outcome[Job]) -> None:
    """Store what the worker could not, and keep what the run tells about others."""
    setting, job = prepared.setting, outcome.job
    if not outcome.stored:
        # A repetition that was skipped, or killed before it could say anything, takes no earlier result away.
        if outcome.status in REPEATED and repeats.put_back(store.run_folder(setting.results, job.run)):
            return
        store.write(setting.results, job.run, Receipt.of(job, outcome.status, outcome.reason))
        return
    if outcome.status == 'ok' and not setting.keep_checkpoints and job.keep_checkpoints:
        inheritance.mark(setting.results, job.folder)
    receipt = store.read(setting.results, job.run)
    if receipt is None:
        return
    prepared.measured.add(receipt)
    if outcome.status == 'ok' and receipt.wall_sec and not receipt.resumed:
        prepared.paces.append(receipt.wall_sec / prepared.forecasts[job.folder].wall_sec)


def report(results: Path, known: Catalogue) -> Path:
    """Bring the report of everything in the results folder up to date and return its page."""
    from bench import reporting

    return reporting.refresh(results, known)
