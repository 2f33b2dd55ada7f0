"""Train, measure and report every selected experiment: parse, call the steps, set the exit code."""

import json
import os
import shlex
import signal
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from bench import catalogue, options, paths
from bench.errors import BenchError, PlanError, UnknownName
from bench.output import show
from bench.records import BudgetRule, DataSet, Precision, Size, Status

if TYPE_CHECKING:
    from bench.own import models as own_models

# What trains or times is imported where that is done: a list of the experiments is there sooner.

TOLD = 10
"""Runs that are not ok and are named at the end."""
EXIT_OK, EXIT_FAILED_RUNS, EXIT_USAGE, EXIT_STOPPED = 0, 1, 2, 130


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code: 0 only if every selected run is ``ok``."""
    chosen = options.parse(argv)
    try:
        options.check(chosen)
        if chosen.list:
            return show(_list(chosen))
        # As a batch system ends what has had its time: like Ctrl-C, with a checkpoint of what is under way.
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        return _cost(chosen) if chosen.cost else _run(chosen)
    except (BenchError, OSError, ValueError) as error:
        print(f'error: {error}', file=sys.stderr)
        return EXIT_USAGE
    except KeyboardInterrupt:
        print('stopped; the same command continues where this one ended', file=sys.stderr)
        return EXIT_STOPPED


def _load(chosen) -> tuple[catalogue.Catalogue, list[str]]:
    documented = chosen.benchmark / 'documented' if chosen.benchmark else paths.documented_dir()
    known = catalogue.load(documented)
    ids = list(known.experiments)
    if chosen.report:
        if chosen.report not in known.reports:
            raise UnknownName('report', chosen.report, known.reports)
        ids = catalogue.select(ids, [f'{chosen.report}/*'])
    if chosen.only:
        ids = catalogue.select(ids, chosen.only)
    if chosen.claims:
        ids = _deciding(known, chosen.claims, ids)
    return known, ids if options.selects(chosen) or not chosen.config else []


def _deciding(known: catalogue.Catalogue, claims: Sequence[str], ids: Sequence[str]) -> list[str]:
    """Return those of ``ids`` whose runs decide ``claims``; say of which claims no run is needed or none can decide."""
    wanted: set[str] = set()
    for name in claims:
        if name not in known.claims:
            raise UnknownName('claim', name, known.claims)
        claim = known.claims[name]
        if claim.method == 'none':
            print(f'note: no run decides {name}: {claim.reason}', file=sys.stderr)
        elif claim.method in ('counted', 'arithmetic'):
            print(f'note: {name} is decided without any run: {claim.how}', file=sys.stderr)
        else:
            wanted.update(one for check in claim.checks for one in (check.of, *check.than))
    return [name for name in ids if name in wanted]


def _own(chosen, dataset: DataSet | None = None) -> 'own_models.Prepared':
    """Return the user's own models as experiments, having said how each was read."""
    from bench import campaign, data_sets
    from bench.own import models as own_models
    from bench.own.translate import Target

    if not chosen.config:
        return own_models.NONE
    from bench.execute.translating import translate

    dataset = dataset or campaign.find_dataset(chosen.dataset, chosen.data_root, chosen.classes)
    models = own_models.named(chosen.config, chosen.checkpoint)
    size = dataset.base_size if chosen.cost else _size(chosen, dataset)
    target = Target(dataset.name, dataset.classes, len(dataset.splits['train']), size, as_stated=chosen.cost)
    made = own_models.prepare(models, target, data_sets.cache_folder(), translate)
    for name, notes in made.notes.items():
        for note in notes:
            print(f'{name}: {note}', file=sys.stderr)
    return made


def _list(chosen) -> str:
    known, ids = _load(chosen)
    rows = [known.experiments[name] for name in ids]
    if chosen.json:
        listed = [
            {
                'id': row.id,
                'report': row.report,
                'title': row.title,
                'status': row.status,
                'reason': row.reason,
                'documented': {one.metric: one.value for one in row.documented},
            }
            for row in rows
        ]
        return json.dumps(listed, indent=1)
    width = max(len(row.id) for row in rows)
    lines = [f'{"experiment":<{width}}  documented mIoU  title']
    for row in rows:
        miou = row.value('miou')
        lines.append(f'{row.id:<{width}}  {"-" if miou is None else format(miou, ".2f"):>15}  {row.title}')
    return '\n'.join(lines)


def _run(chosen) -> int:
    from bench import budgets, campaign, data_sets, devices, outlook, store

    known, ids = _load(chosen)
    rule = budgets.rule(chosen.budget, chosen.budget_factor)
    spread = devices.find_devices(chosen.device, chosen.gpus)
    slots = devices.slots(spread, chosen.jobs, chosen.jobs_per_gpu, _default_jobs(rule, spread[0]))
    dataset = campaign.find_dataset(chosen.dataset, chosen.data_root, chosen.classes)
    own = _own(chosen, dataset)
    _warn_of_bf16(chosen.precision, spread[0])
    setting = campaign.Setting(
        dataset=dataset,
        size=_size(chosen, dataset),
        rule=rule,
        seeds=chosen.seeds,
        precision=chosen.precision,
        devices=spread,
        slots=slots,
        jobs=min(chosen.jobs or slots * len(spread), slots * len(spread)),
        results=chosen.results.resolve(),
        configs=chosen.benchmark / 'configs' if chosen.benchmark else paths.configs_dir(),
        weights=chosen.weights or data_sets.cache_folder() / 'weights',
        keep_checkpoints=chosen.keep_checkpoints,
        retry_failed=chosen.retry_failed,
        timeout_sec=None if chosen.timeout_minutes is None else 60 * chosen.timeout_minutes,
        deadline=_deadline(chosen),
        own=own.configs,
        switches=options.switches(chosen),
    )
    joined, selected = own.join(known), [*ids, *own.configs]
    if chosen.dry_run:
        return show(outlook.forecast_text(campaign.prepare(joined, selected, setting)))
    # Before planning: networks are counted for seconds, and what is done already is looked up in these results.
    with store.lock(setting.results, shlex.join(['run_all.py', *sys.argv[1:]])):
        made = campaign.prepare(joined, selected, setting)
        if again := outlook.repeated_text(made):
            print(f'{len(made.jobs)} to run: {again}', file=sys.stderr)
        for told in filter(None, [outlook.lacking_text(made), outlook.unkept_text(made)]):
            print(f'note: {told}', file=sys.stderr)
        statuses = campaign.carry_out(made)
        page = campaign.report(made.setting.results, known)
    for name, reason in made.left_out.items():
        print(f'left out: {name}: {reason}', file=sys.stderr)
    if rule.name == 'smoke':
        print(
            'smoke runs show that everything works; their scores mean nothing: --budget short trains', file=sys.stderr
        )
    return _close(statuses, page, before=len(statuses) - len(made.jobs))


def _cost(chosen) -> int:
    from bench import campaign, cost_campaign, devices, sizes, store

    known, ids = _load(chosen)
    results = chosen.results.resolve()
    own = _own(chosen)
    device = devices.find_device(chosen.device)
    _warn_of_bf16(chosen.precision, device)
    setting = cost_campaign.CostSetting(
        device=device,
        precision=chosen.precision,
        results=results,
        configs=chosen.benchmark / 'configs' if chosen.benchmark else paths.configs_dir(),
        timeout_sec=None if chosen.timeout_minutes is None else 60 * chosen.timeout_minutes,
        own=own.configs,
        compile=chosen.compile,
        training=chosen.training,
        size=sizes.parse_size(chosen.size) if chosen.size else None,
        deadline=_deadline(chosen),
    )
    with store.lock(results, shlex.join(['run_all.py', *sys.argv[1:]])):
        jobs, statuses = cost_campaign.prepare(own.join(known), [*ids, *own.configs], setting)
        if jobs:
            statuses |= cost_campaign.carry_out(jobs, setting)
        page = campaign.report(results, known)
    return _close(statuses, page, timings=True)


def _warn_of_bf16(precision: Precision, device: str) -> None:
    """Say that a processor is asked for a precision that it has no instructions for."""
    from bench import environment

    if precision == 'bf16' and device == 'cpu' and environment.computes_bf16() is False:
        print(
            f'note: {environment.cpu_name()} has no instructions for bfloat16 (AVX-512 or Arm bf16): '
            'steps take 9 to 40 times as long as with --precision fp32',
            file=sys.stderr,
        )


def _deadline(chosen) -> float | None:
    """Return when ``--max-minutes`` are over, in seconds of ``time.monotonic``."""
    return None if chosen.max_minutes is None else time.monotonic() + 60 * chosen.max_minutes


def _close(statuses: Mapping[str, Status], page: Path, timings: bool = False, before: int = 0) -> int:
    """Say how the runs ended, ``before`` of them by an earlier command, and return the exit code."""
    good = sum(status == 'ok' for status in statuses.values())
    failed = [f'{name}: {status}' for name, status in statuses.items() if status != 'ok']
    if failed:
        more = f'\n... and {len(failed) - TOLD} more' if len(failed) > TOLD else ''
        print('\n'.join(failed[:TOLD]) + more, file=sys.stderr)
        from bench.campaign import REPEATED

        # Those, and any timing, the same command makes up for.
        if not timings and not set(statuses.values()) <= {'ok', *REPEATED}:
            print('--retry-failed repeats what failed', file=sys.stderr)
    done = f' ({before} ended before)' if before else ''
    print(f'{good} of {len(statuses)} runs ok{done}; report: {os.path.relpath(page)}')
    return EXIT_OK if good == len(statuses) else EXIT_FAILED_RUNS


def _default_jobs(rule: BudgetRule, device: str) -> int:
    from bench import environment

    # Small steps gain little from a second thread, and nobody reads the times of a smoke run.
    return environment.usable_cpus() if rule.name == 'smoke' and device == 'cpu' else 1


def _size(chosen, dataset: DataSet) -> Size:
    from bench import sizes

    if chosen.size:
        return sizes.parse_size(chosen.size)
    if chosen.budget == 'smoke':
        return sizes.smoke_size(dataset.base_size)
    height, width = dataset.base_size
    if min(height, width) < sizes.MIN_SIDE:
        raise PlanError(
            f'the images of {dataset.name} are about {height}x{width}: networks need {sizes.MIN_SIDE} pixels a side; '
            'give --size HxW, to which images are brought'
        )
    return dataset.base_size


if __name__ == '__main__':
    sys.exit(main())
