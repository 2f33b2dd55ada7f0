"""Wire the steps: catalogue and data set to plan, plan to jobs, jobs to receipts, receipts to the report."""

import os
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path

from bench import budgets, data_sets, environment, forecast, inheritance, plan, sources, store
from bench.catalogue import Catalogue
from bench.errors import PlanError, UnknownName
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
)

REPEATED = frozenset({'interrupted', 'skipped'})
"""Statuses that say nothing about the run itself: such runs are tried again without being asked for."""

USABLE_SHARE = 0.85
"""Share of a device's memory that runs may fill by forecast; the rest is for what a forecast cannot see."""


@dataclass(frozen=True)
class Setting:
    """What the user chose, resolved: where, how big, how many; ``own`` are the configs of own models by id."""

    dataset: DataSet
    size: Size
    rule: BudgetRule
    seeds: int
    precision: Precision
    device: str
    jobs: int
    results: Path
    configs: Path
    weights: Path
    keep_checkpoints: bool = False
    retry_failed: bool = False
    timeout_sec: float | None = None
    deadline: float | None = None
    own: Mapping[str, Path] = field(default_factory=dict)


@dataclass
class Prepared:
    """A plan ready to be carried out: jobs still to do, statuses of those that are not.

    ``runs`` are all of the plan, ``needed`` the folders of those whose weights others start from.
    """

    setting: Setting
    jobs: list[Job]
    forecasts: dict[str, Forecast]
    statuses: dict[str, Status]
    left_out: dict[str, str] = field(default_factory=dict)
    runs: tuple[Run, ...] = ()
    needed: set[str] = field(default_factory=set)
    stored: list[Receipt] = field(default_factory=list)


def find_dataset(name: str, root: Path | None, classes: Path | None) -> DataSet:
    """Find a data set on disk; see ``data_sets.find``."""
    return data_sets.find(name, root, classes)


def find_device(name: str) -> str:
    """Return ``cpu`` or ``cuda[:N]``; ``auto`` is CUDA where a card and a torch that can use it are there.

    Raises:
        UnknownName: another word.
    """
    if name == 'auto':
        return 'cuda' if _has_cuda() else 'cpu'
    if name == 'cpu' or name == 'cuda' or (name.startswith('cuda:') and name[5:].isdigit()):
        return name
    raise UnknownName('device', name, ('auto', 'cpu', 'cuda', 'cuda:0', 'cuda:1'))


def _has_cuda() -> bool:
    # Asked without importing torch, which costs a second.
    if '+cpu' in metadata.version('torch') or os.environ.get('CUDA_VISIBLE_DEVICES') == '':
        return False
    try:
        return subprocess.run(['nvidia-smi', '-L'], capture_output=True, timeout=20, check=False).returncode == 0
    except (OSError, subprocess.SubprocessError):
        return False


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
        dataset=setting.dataset.name,
        size=setting.size,
        rule=setting.rule,
        seeds=setting.seeds,
        precision=setting.precision,
        device=setting.device,
    )
    keys: dict[str, str] = {}
    for run in made.runs:
        parents = [keys[parent] for parent in run.parents]
        keys[run.folder] = sources.key(run, _config(setting, run), manifest.sha256, parents)
    receipts = {run.folder: store.read(setting.results, run) for run in made.runs}

    def done(run: Run) -> bool:
        receipt = receipts[run.folder]
        return receipt is not None and receipt.key == keys[run.folder] and not _to_repeat(receipt, setting)

    todo, needed = inheritance.unfinished(made.runs, done, setting.results)
    waiting = {run.folder for run in todo}
    statuses = {
        folder: receipt.status for folder, receipt in receipts.items() if receipt is not None and folder not in waiting
    }
    prepared = Prepared(setting, [], {}, statuses, dict(made.left_out), runs=made.runs, needed=needed)
    if todo:
        _add_jobs(prepared, todo, keys, manifest)
    return prepared


def _to_repeat(receipt: Receipt, setting: Setting) -> bool:
    return receipt.status in REPEATED or (setting.retry_failed and receipt.status != 'ok')


def _config(setting: Setting, run: Run) -> Path:
    path = setting.own.get(run.experiment, setting.configs / f'{run.experiment}.py')
    if not path.exists():
        raise PlanError(f'{run.experiment} is documented as runnable but {path} does not exist')
    return path


def _add_jobs(prepared: Prepared, todo: Sequence[Run], keys: dict[str, str], manifest: data_sets.Manifest) -> None:
    from bench.execute import counting

    setting = prepared.setting
    prepared.stored = [receipt for _, receipt in store.read_all(setting.results)]
    threads = max(1, environment.usable_cpus() // setting.jobs)
    lists = data_sets.write_pair_lists(
        setting.dataset, data_sets.cache_folder() / 'lists' / f'{setting.dataset.name}-{manifest.sha256[:12]}'
    )
    train_images = len(setting.dataset.splits['train'])
    requests = [
        counting.CountRequest(run, _config(setting, run), setting.rule, len(setting.dataset.classes), train_images)
        for run in todo
    ]
    counted = counting.footprints(requests, data_sets.cache_folder())
    measured = forecast.speeds(prepared.stored)
    memory = device_bytes(setting.device)
    for run, footprint in zip(todo, counted, strict=True):
        rule = budgets.for_network(setting.rule, footprint.params, footprint.macs_image)
        job = Job(
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
            accumulate=forecast.micro_batches(footprint, int(USABLE_SHARE * memory)),
            keep_checkpoints=setting.keep_checkpoints or run.folder in prepared.needed,
            contended=setting.jobs > 1,
            class_pixels=tuple(manifest.class_pixels['train']),
        )
        prepared.jobs.append(job)
        images = _scored_images(setting.dataset, rule)
        prepared.forecasts[run.folder] = forecast.forecast(footprint, run, rule, images, threads, measured)


def _scored_images(dataset: DataSet, rule: BudgetRule) -> dict[str, int]:
    splits = dataset.splits
    test = splits[dataset.test_split]
    limits = {
        'train': (splits['train'], rule.scored_train_images),
        'val': (splits.get('val', test), rule.val_images),
        'test': (test, rule.test_images),
    }
    return {name: len(pairs) if limit is None else min(limit, len(pairs)) for name, (pairs, limit) in limits.items()}


def device_bytes(device: str) -> int:
    """Return the memory of the machine, or of the CUDA device that the runs use."""
    if device == 'cpu':
        import psutil

        return psutil.virtual_memory().total
    query = ['nvidia-smi', '--query-gpu=memory.total', '--format=csv,noheader,nounits']
    answer = subprocess.run(query, capture_output=True, text=True, timeout=20, check=True)
    return int(answer.stdout.split()[0]) * 2**20


def carry_out(prepared: Prepared) -> dict[str, Status]:
    """Carry out the jobs and return the status of every planned run by its folder.

    Raises:
        KeyboardInterrupt: after the running workers saved a checkpoint and ended.
    """
    if not prepared.jobs:
        return prepared.statuses
    from bench.execute.local import Limits, LocalEngine
    from bench.progress import Progress

    setting, statuses = prepared.setting, prepared.statuses
    planned = {job.run.folder for job in prepared.jobs}

    def objection(job: Job) -> str | None:
        return inheritance.objection(job.run, statuses, planned)

    def pending(run: Run) -> bool:
        return statuses.get(run.folder, 'interrupted') in REPEATED

    def timeout_sec(job: Job) -> float:
        expected = prepared.forecasts[job.run.folder].wall_sec
        return setting.timeout_sec or max(900.0, 10 * expected)

    memory = int(USABLE_SHARE * device_bytes(setting.device))
    limits = Limits(setting.jobs, memory, timeout_sec, deadline=setting.deadline)
    with Progress(prepared.forecasts, setting.jobs) as progress:
        engine = LocalEngine(limits, lambda job: prepared.forecasts[job.run.folder], progress.event)
        for outcome in engine.run(prepared.jobs, objection):
            statuses[outcome.job.run.folder] = outcome.status
            if not outcome.stored:
                receipt = Receipt.of(outcome.job, outcome.status, outcome.reason)
                store.write(setting.results, outcome.job.run, receipt)
            elif outcome.status == 'ok' and not setting.keep_checkpoints and outcome.job.keep_checkpoints:
                inheritance.mark(setting.results, outcome.job.folder)
            inheritance.release(setting.results, prepared.runs, pending)
            progress.ended(outcome)
    return statuses


def report(results: Path, known: Catalogue) -> Path:
    """Bring the report of everything in the results folder up to date and return its page."""
    from bench import reporting

    return reporting.refresh(results, known)


def print_forecast(prepared: Prepared) -> None:
    """Print what would run, with the expected time, memory and disk of each run and of the whole plan."""
    from tabulate import tabulate

    from bench.progress import duration

    rows = []
    for job in prepared.jobs:
        expected = prepared.forecasts[job.run.folder]
        split = f'{job.accumulate} parts' if job.accumulate > 1 else ''
        rows.append(
            [
                job.run.folder,
                duration(expected.wall_sec),
                f'{expected.memory_bytes / 2**30:.1f}',
                f'{expected.disk_bytes / 2**20:.0f}',
                split,
            ]
        )
    headers = ['run', 'time', 'memory (GiB)', 'disk while running (MiB)', 'batch split into']
    print(tabulate(rows, headers, disable_numparse=True) if rows else 'nothing to run')
    total = sum(one.wall_sec for one in prepared.forecasts.values()) / prepared.setting.jobs
    done = len(prepared.statuses)
    print(f'\n{len(rows)} to run, about {duration(total)} with --jobs {prepared.setting.jobs}; {done} already done')
    for name, reason in prepared.left_out.items():
        print(f'left out: {name}: {reason}')
