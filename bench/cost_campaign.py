"""Wire the cost table: every documented network counted and timed at its documented size, nothing learnt."""

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import inf
from pathlib import Path

from bench import environment, sources
from bench.catalogue import Catalogue
from bench.errors import PlanError
from bench.records import CostJob, Forecast, Precision, Status

EXPECTED_SEC = 20.0
"""What the first network is guessed to take: seconds on a GPU, up to a minute on a CPU."""

SAMPLE_SEC = {'cpu': 5.0, 'cuda': 2.0}
"""How long a latency is sampled: a GPU takes its hundreds of samples sooner."""


@dataclass(frozen=True)
class CostSetting:
    """What the user chose: where to time, in which precision, where to store; ``own`` as for a campaign.

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
    deadline: float | None = None


def prepare(known: Catalogue, ids: Sequence[str], setting: CostSetting) -> tuple[list[CostJob], dict[str, Status]]:
    """Return the jobs still to do, and the status of those that are done.

    Raises:
        PlanError: a selected experiment has no config.
    """
    kind = setting.device.split(':')[0]
    jobs: list[CostJob] = []
    done: dict[str, Status] = {}
    for name in ids:
        if known.experiments[name].status == 'undescribed':
            continue
        config = setting.own.get(name, setting.configs / f'{name}.py')
        if not config.exists():
            raise PlanError(f'{name} is documented as runnable but {config} does not exist')
        key = sources.cost_key(name, config, setting.device, setting.precision)
        place = setting.device, setting.precision, setting.results
        beside = setting.compile, setting.training
        job = CostJob(name, config, *place, key, environment.threads(), SAMPLE_SEC[kind], *beside)
        if _is_done(job):
            done[job.folder] = 'ok'
        else:
            jobs.append(job)
    return jobs, done


def _is_done(job: CostJob) -> bool:
    wanted = {name for name, asked in (('compiled', job.compile), ('training', job.training)) if asked}
    for path in (job.results / job.experiment).glob(f'{Path(job.folder).name}-*.json'):
        try:
            record = json.loads(path.read_text())
            if record.get('key') == job.key and wanted <= record.keys():
                return True
        except (OSError, ValueError, AttributeError):
            continue
    return False


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
