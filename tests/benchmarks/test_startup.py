"""Seconds from asking for a run to its first training step, once the fork server has its imports.

Command: python -m pytest tests/benchmarks/test_startup.py --benchmark-enable
With SEGREPRO_WRITE_BENCHMARKS=1 in the environment it also writes ``reports/benchmarks/startup-cpu.md``.
"""

import os
import statistics
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / 'bench' / 'fake_benchmark'))

import build
import pandas as pd

from bench import budgets, data_sets
from bench.execute.local import Limits, LocalEngine
from bench.execute.schedule import Place, Schedule
from bench.records import Forecast, Job, Run

RUNS = 6
ABOUT = """Runs of a tiny network, one after another, each in a process of its own that is forked from one which has
torch and mmseg loaded; the first, for which these are loaded, is left out."""


def test_start_of_a_run_after_the_first(benchmark, tmp_path, write_page):
    os.environ['PYTHONPATH'] = str(Path(build.__file__).parent)
    classes = build.write_images(tmp_path / 'images')
    folder = build.write_benchmark(tmp_path / 'benchmark', {'good': None})
    dataset = data_sets.find('folder', tmp_path / 'images', classes)
    manifest = data_sets.check(dataset, tmp_path / 'cache').sha256
    lists = data_sets.write_pair_lists(dataset, tmp_path / 'lists')
    jobs = [
        Job(
            Run('fake/good', 'folder', (64, 80), 'smoke', 0.0, seed),
            folder / 'configs' / 'fake' / 'good.py',
            dataset,
            manifest,
            lists,
            budgets.rule('smoke'),
            tmp_path / 'results',
            'key',
            tmp_path,
        )
        for seed in range(RUNS)
    ]
    asked: dict[int, float] = {}
    stepped: dict[int, float] = {}

    def hear(job, message):
        if message['kind'] == 'start':
            asked[job.run.seed] = time.perf_counter()
        if message['kind'] == 'step' and message['step'] == 1:
            stepped[job.run.seed] = time.perf_counter()

    schedule = Schedule(jobs, [Place('cpu', 1, 2**40)], need=lambda job: Forecast(1.0, 0, 0))
    engine = LocalEngine(Limits(lambda job: 120.0), hear)
    outcomes = benchmark.pedantic(lambda: list(engine.run(schedule)), rounds=1)
    assert [outcome.status for outcome in outcomes] == ['ok'] * RUNS
    later = [stepped[seed] - asked[seed] for seed in range(1, RUNS)]
    benchmark.extra_info |= {'median start sec': round(statistics.median(later), 3), 'best': round(min(later), 3)}
    row = {'runs': len(later), 'median (s)': statistics.median(later), 'best (s)': min(later)}
    write_page('startup', 'cpu', 'From asking for a run to the end of its first step', ABOUT, pd.DataFrame([row]))
