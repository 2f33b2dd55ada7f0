"""Wire the cost table: every documented network counted and timed at its documented size, nothing learnt."""

import time
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from math import inf
from pathlib import Path
from typing import Any

from bench import environment, networks, sources, store
from bench.catalogue import Catalogue
from bench.records import CostJob, Forecast, Precision, Size, Status

EXPECTED_SEC = 20.0
"""What the first network is guessed to take: seconds on a GPU, up to a minute on a CPU."""

SAMPLE_SEC = {'cpu': 5.0, 'cuda': 2.0}
"""How long a latency is sampled: a GPU takes its hundreds of samples sooner."""


@dataclass(frozen=True)
class CostSetting:
    """What the user chose: where to time, in which precision, where to store; ``own`` as for a campaign.

    ``size`` (H, W) stands for that of every network, its documented one where None.
    ``deadline``: nothing starts that is expected to end after it, in seconds of ``time.monotonic``.
    """

    device: str
    precision: Precision
    results: Path
    configs: Path
    timeout_sec: float | None = None
    own: Mapping[str, Path] = field(default_factory=dict)
    compile: bool = False
    training: bool = False
    size: Size | None = None
    deadline: float | None = None


def prepare(known: Catalogue, ids: Sequence[str], setting: CostSetting) -> tuple[list[CostJob], dict[str, Status]]:
    """Return the jobs still to do, and the status of those that are done.

    A network that several experiments have is timed once, for the first of ``ids``; where training steps are timed,
    for each of them: these differ.

    Raises:
        PlanError: a selected experiment has no config.
    """
    described = [name for name in ids if known.experiments[name].status != 'undescribed']
    configs = {name: sources.config_of(name, setting.configs, setting.own) for name in described}
    documented = _documented_configs(known, setting)
    shared = networks.sharing(documented)
    about = setting.device, setting.precision, setting.size
    keys = {name: sources.cost_key(name, path, *about) for name, path in (documented | configs).items()}
    stored = store.read_timings(setting.results)
    jobs: list[CostJob] = []
    done: dict[str, Status] = {}
    seen: set[str] = set()
    for name, config in configs.items():
        if name in seen:
            continue
        same = tuple(twin for twin in shared.get(name, ()) if twin != name)
        one = {name} if setting.training else {name, *same}
        seen |= one
        job = CostJob(
            name,
            config,
            setting.device,
            setting.precision,
            setting.results,
            keys[name],
            environment.threads(),
            SAMPLE_SEC[setting.device.split(':')[0]],
            setting.compile,
            setting.training,
            same,
            setting.size,
        )
        if _is_done(job, stored, one, {keys[each] for each in one}):
            done[job.folder] = 'ok'
        else:
            jobs.append(job)
    return jobs, done


def _documented_configs(known: Catalogue, setting: CostSetting) -> dict[str, Path]:
    """Return the configs of all documented experiments, selected or not: they say whose network else one is."""
    return {name: path for name in known.experiments if (path := setting.configs / f'{name}.py').exists()}


def _is_done(job: CostJob, stored: Iterable[Mapping[str, Any]], names: Set[str], keys: Set[str]) -> bool:
    """Return whether ``stored`` has a timing with one of ``keys``, for all ``names``, of all that ``job`` asks for."""
    wanted = [name for name, asked in (('compiled', job.compile), ('training', job.training)) if asked]
    return any(
        record.get('key') in keys
        and names <= {record['experiment'], *record.get('same_network', ())}
        # What an earlier record left has a key of its own.
        and all(name in record and (record[name] or {}).get('key', record['key']) in keys for name in wanted)
        for record in stored
    )


def carry_out(jobs: Sequence[CostJob], setting: CostSetting) -> dict[str, Status]:
    """Time one network after another, alone on the device, and return their statuses."""
    from bench.execute.local import Limits, LocalEngine, time_network
    from bench.execute.schedule import Place, Schedule
    from bench.progress import Progress

    expected = Forecast(EXPECTED_SEC, 0, 0)
    took: list[float] = []

    def need(job: CostJob) -> Forecast:
        # Networks differ in cost by a thousand times: the longest so far is the safest guess.
        return replace(expected, wall_sec=max(took, default=EXPECTED_SEC))

    statuses: dict[str, Status] = {}
    # Steps of large networks may take what they take: each is a sign of life.
    limits: Limits[CostJob] = Limits(lambda job: setting.timeout_sec or (inf if setting.training else 900.0))
    schedule = Schedule(jobs, [Place(setting.device, 1, 0)], need=need, deadline=setting.deadline)
    began = time.monotonic()
    with Progress({job.folder: expected for job in jobs}, 1) as progress:
        for outcome in LocalEngine(limits, progress.event, time_network).run(schedule):
            statuses[outcome.job.folder] = outcome.status
            took.append(time.monotonic() - began - sum(took))
            progress.ended(outcome)
    return statuses
