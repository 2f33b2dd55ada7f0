"""Planning, scheduling and storing plans of 10, 1,000 and 100,000 runs whose training takes no time.

Run: python -m pytest tests/benchmarks/test_growth.py --benchmark-enable -s
"""

import json
import shutil
import time
import tracemalloc
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from bench import budgets, campaign, data_sets, devices, paths, store
from bench.execute import counting
from bench.execute.schedule import Outcome, Place, Start
from bench.experiments import Catalogue, Experiment
from bench.forecast import Footprint
from bench.judging import counts
from bench.records import DataSet, Pair, Receipt

SIZES = (10, 1_000, 100_000)
SEEDS = 10
AT_ONCE = 8
FOOTPRINT = Footprint(1_000_000, 10**8, 10**8, 10**8, 2, 64 * 80, 6, 2)


def fake_catalogue(experiments: int) -> Catalogue:
    """Experiments of which every fifth starts from the one before it."""
    rows = {}
    for index in range(experiments):
        parents = (f'fake/e{index - 1}',) if index % 5 == 4 else ()
        name = f'fake/e{index}'
        rows[name] = Experiment(id=name, title=name, section='1', provenance='R', parents=parents)
    return Catalogue(reports={}, experiments=rows)


def fake_dataset(root: Path) -> DataSet:
    pairs = (Pair('a.png', 'a.png'),)
    return DataSet('fake', root, ('a', 'b'), ((0, 0, 0),) * 2, (64, 80), {'train': pairs, 'val': pairs, 'test': pairs})


def setting(folder: Path) -> campaign.Setting:
    return campaign.Setting(
        dataset=fake_dataset(folder),
        size=(64, 80),
        rule=budgets.rule('smoke'),
        seeds=range(SEEDS),
        precision='fp32',
        devices=('cpu',),
        slots=AT_ONCE,
        jobs=AT_ONCE,
        results=folder / 'results',
        configs=folder / 'configs',
        weights=folder,
    )


def at_once(schedule, on_event) -> Iterator[Outcome]:
    """An engine whose jobs store a receipt and end as soon as it is their turn, the first started first."""
    going = []
    while schedule or going:
        while decision := schedule.next(0.0):
            assert isinstance(decision, Start)
            on_event(decision.job, {'kind': 'start'})
            going.append(decision.job)
        job = going.pop(0)
        receipt = Receipt.of(job)
        receipt.data = {'classes': job.dataset.classes}
        receipt.environment = {'device': 'cpu', 'threads': 1}
        receipt.memory = {'train': {'peak_bytes': 10**9, 'process_growth_bytes': 10**8, 'input_shape': [2, 3, 64, 80]}}
        store.write(job.results, job.run, receipt)
        if job.keep_checkpoints:
            weights = job.results / job.folder / 'training' / 'last.pth'
            weights.parent.mkdir()
            weights.touch()
        schedule.ended(job, 'ok')
        yield Outcome(job, 'ok', '', True)


def count(requests, folder):
    """Costs as large as documented ones, of one object for the seeds of an experiment."""
    text = json.dumps(counts.read(paths.documented_dir() / counts.FILE)['kitti_ablation/enet']['cost'])
    names = {request.run.experiment for request in requests}
    made = {name: counting.Counted(json.loads(text), json.loads(text), FOOTPRINT, None) for name in names}
    return [made[request.run.experiment] for request in requests]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A plan's surroundings without data, networks and memory to ask for."""
    manifest = data_sets.Manifest('0' * 64, {}, {'train': (1, 1)})
    monkeypatch.setattr(data_sets, 'check', lambda dataset, cache: manifest)
    monkeypatch.setattr(data_sets, 'write_pair_lists', lambda dataset, folder: {})
    monkeypatch.setattr(counting, 'count', count)
    monkeypatch.setattr(devices, 'places', lambda names, slots: (Place('cpu', slots, 2**40),))
    # Syncing every receipt to the disk is linear by itself and would hide what is not.
    monkeypatch.setattr(store.os, 'fsync', lambda descriptor: None)
    (tmp_path / 'configs' / 'fake').mkdir(parents=True)
    yield tmp_path
    # Two hundred thousand receipts are not worth keeping.
    shutil.rmtree(tmp_path)


def measure(folder: Path, runs: int) -> dict[str, float]:
    """Seconds of each phase and bytes that planning and scheduling hold and reach at most."""
    known = fake_catalogue(runs // SEEDS)
    for name in known.experiments:
        (folder / 'configs' / f'{name}.py').write_text('model = dict()\n')
    chosen, clock = setting(folder), time.perf_counter
    row = {'runs': runs}

    began = clock()
    prepared = campaign.prepare(known, list(known.experiments), chosen)
    row['plan (s)'] = clock() - began
    assert len(prepared.jobs) == runs

    began = clock()
    statuses = campaign.carry_out(prepared, at_once)
    row['schedule and store (s)'] = clock() - began
    assert list(statuses.values()).count('ok') == runs

    began = clock()
    again = campaign.prepare(known, list(known.experiments), chosen)
    row['nothing to do (s)'] = clock() - began
    assert again.jobs == []

    began = clock()
    assert sum(1 for _ in store.read_each(chosen.results)) == runs
    row['read (s)'] = clock() - began
    del prepared, again, statuses
    return {**row, **held(known, replace(chosen, results=folder / 'other results'))}


def held(known: Catalogue, chosen: campaign.Setting) -> dict[str, float]:
    """Bytes a run, of a plan ready to start and at most while it is carried out; traced apart, tracing is slow."""
    tracemalloc.start()
    try:
        prepared = campaign.prepare(known, list(known.experiments), chosen)
        ready = tracemalloc.get_traced_memory()[0]
        tracemalloc.reset_peak()
        campaign.carry_out(prepared, at_once)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    runs = len(prepared.jobs)
    return {'planned (bytes a run)': ready / runs, 'peak (bytes a run)': peak / runs}


def test_work_grows_with_the_plan_and_no_faster(benchmark, folder, write_page, capsys):
    rows = []
    for runs in SIZES:
        (folder / str(runs) / 'configs' / 'fake').mkdir(parents=True)
        rows.append(measure(folder / str(runs), runs))
        capsys.readouterr()
    table = pd.DataFrame(rows)
    phases = [name for name in table if name.endswith('(s)')]
    each = 1e3 * table[phases].sum(axis=1) / table['runs']
    table['all (ms a run)'] = each
    small, large = (table[table['runs'] == runs].iloc[0] for runs in SIZES[1:])
    benchmark.extra_info |= {f'{runs} runs, ms a run': round(one, 4) for runs, one in zip(SIZES, each, strict=True)}
    benchmark.pedantic(lambda: fake_catalogue(10), rounds=1)
    about = (
        f'Plans of fake runs, {SEEDS} seeds of each experiment, every fifth experiment started from another, {AT_ONCE} '
        'at once. Everything but the training is what a command does: keys, forecasts, the order by memory and '
        'parents, receipts, progress lines, weights handed on. Receipts are written without waiting for the disk. '
        'Linear means that ms a run stays the same; bytes are those that Python holds.'
    )
    with capsys.disabled():
        write_page('growth', 'cpu', 'How a plan grows', about, table)
    assert large['all (ms a run)'] < 2 * small['all (ms a run)']
    assert large['peak (bytes a run)'] < 1.2 * small['peak (bytes a run)']
