"""Claims about experiments that there are not, with what was measured of them, and their verdicts."""

from dataclasses import replace

from bench.claims import Check, Claim
from bench.judging.judge import verdicts
from bench.judging.samples import Case, Circumstances, Sample

FULL = Circumstances(
    'kitti, full',
    dataset='kitti',
    on_gpu=True,
    right_data=frozenset({'toy/a', 'toy/b', 'toy/c'}),
    as_documented=frozenset({'toy/a', 'toy/b', 'toy/c'}),
    rank=(1, 0),
)
SHORT = replace(FULL, label='kitti, short', reduced=True, as_documented=frozenset(), rank=(1, 1))
SMOKE = replace(SHORT, label='scenes, smoke', smoke=True, rank=(1, 2))
HIGH = (50.0, 50.2, 49.8, 50.1)
LOW = (40.0, 40.1, 39.9, 40.2)


def sample(name, *values, **more):
    runs = tuple(f'toy/{name}/run-seed{seed}' for seed in range(len(values)))
    return Sample(f'toy/{name}', 'miou', dict(enumerate(values)), **{'runs': runs, **more})


def absent(name, obstacle='not measured', reason='toy/b did not run in this setting'):
    return Sample(f'toy/{name}', 'miou', obstacle=obstacle, reason=reason)


def claim(*checks, name='X01', **more):
    experiments = tuple(dict.fromkeys(e for check in checks for e in (check.of, *check.than)))
    return Claim(name, 'A is better.', '1', experiments, more.pop('method', 'paired'), 'train', checks, **more)


def greater(*than, margin=None):
    return Check('miou', 'greater', 'toy/a', than or ('toy/b',), margin=margin)


def case(stated, *samples, where=FULL):
    found = {('miou', one.experiment, ''): one for one in samples}
    return Case(stated, where, found, {'miou': 'percent'})


def judged(stated, *samples, where=FULL):
    [verdict] = verdicts([case(stated, *samples, where=where)])
    return verdict
