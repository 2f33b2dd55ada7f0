"""What a campaign makes of runs that ended, without starting any."""

from types import SimpleNamespace

import pytest

from bench import campaign, forecast, outlook, repeats, store
from bench.execute.schedule import Outcome
from bench.records import Forecast, Receipt, Run


@pytest.fixture
def finished(tmp_path):
    """A run that ended well before, as a job of today."""
    job = SimpleNamespace(run=Run('r/a', 'scenes', (96, 192), 'smoke', 0.0, 0))
    values = dict.fromkeys(store._REQUIRED, '') | {'schema_version': 1, 'seed': 0, 'status': 'ok', 'key': 'before'}
    store.write(tmp_path, job.run, Receipt(**values))
    return job, SimpleNamespace(setting=SimpleNamespace(results=tmp_path, keep_checkpoints=False))


@pytest.mark.parametrize('status', ['skipped', 'interrupted'])
def test_a_run_keeps_its_result_until_it_has_another(finished, status):
    job, prepared = finished
    campaign._settle(prepared, Outcome(job, status, 'no time is left', False))
    repeats.set_aside(store.run_folder(prepared.setting.results, job.run))
    assert store.read(prepared.setting.results, job.run) is None
    campaign._settle(prepared, Outcome(job, status, 'killed in its midst', False))
    assert store.read(prepared.setting.results, job.run).key == 'before'


def test_runs_that_take_longer_than_forecast_make_the_next_forecasts_longer(tmp_path):
    """So that what is left of ``--max-minutes`` is not overrun; sooner ones do not make them shorter."""
    jobs = [SimpleNamespace(run=Run('r/a', 'scenes', (96, 192), 'smoke', 0.0, seed), accumulate=1,
                            dataset=SimpleNamespace(classes=['a', 'b']), keep_checkpoints=False)
            for seed in range(4)]  # fmt: skip
    for job in jobs:
        job.folder = job.run.folder
    setting = SimpleNamespace(results=tmp_path, keep_checkpoints=False)
    prepared = campaign.Prepared(setting, [], {job.folder: Forecast(10.0, 1, 1) for job in jobs}, {})
    prepared.measured = SimpleNamespace(memory_bytes=lambda *_: 1, add=lambda receipt: None)
    prepared.footprints = {job.folder: None for job in jobs}
    told = []
    for job, took in zip(jobs, (5.0, 40.0, 60.0), strict=False):
        values = dict.fromkeys(store._REQUIRED, '') | {'schema_version': 1, 'seed': 0, 'status': 'ok', 'key': 'k'}
        store.write(tmp_path, job.run, Receipt(**values, wall_sec=took))
        campaign._settle(prepared, Outcome(job, 'ok', '', True))
        told.append(prepared.need(jobs[3]).wall_sec)
    assert told == [10.0, 22.5, 40.0]


@pytest.fixture
def prepared(tmp_path):
    """A plan of one job, whose network is forecast to need 3 GiB."""
    job = SimpleNamespace(run=Run('r/a', 'scenes', (96, 192), 'smoke', 0.0, 0), accumulate=1, keep_checkpoints=False)
    job.folder = job.run.folder
    rule = SimpleNamespace(name='short')
    places = SimpleNamespace(results=tmp_path, weights=tmp_path / 'weights', devices=('cpu',), jobs=1)
    setting = SimpleNamespace(keep_checkpoints=False, rule=rule, **vars(places))
    made = campaign.Prepared(setting, [job], {job.folder: Forecast(10.0, 3 * 2**30, 1)}, {})
    made.need = lambda job: made.forecasts[job.folder]
    made.footprints = {job.folder: SimpleNamespace(steps=10)}
    return made


@pytest.mark.parametrize(('gib', 'told'), [(2, True), (4, False)])
def test_a_dry_run_tells_what_is_larger_than_the_machine(prepared, monkeypatch, gib, told):
    monkeypatch.setattr(outlook.devices, 'places', lambda *_: (SimpleNamespace(memory_bytes=gib * 2**30),))
    line = f'1 of them need more memory, by forecast, than the {gib:.1f} GiB that runs may fill'
    assert (line in outlook.forecast_text(prepared)) is told


@pytest.mark.parametrize(('keep', 'kept', 'told'), [(True, False, True), (True, True, False), (False, False, False)])
def test_finished_runs_without_the_weights_that_are_to_be_kept_are_told(
    prepared, monkeypatch, tmp_path, keep, kept, told
):
    monkeypatch.setattr(outlook.devices, 'places', lambda *_: (SimpleNamespace(memory_bytes=2**40),))
    [job], prepared.jobs = prepared.jobs, []
    prepared.setting.keep_checkpoints = keep
    prepared.statuses |= {job.folder: 'ok', 'r/failed': 'crash'}
    if kept:
        (tmp_path / job.folder / 'training').mkdir(parents=True)
        (tmp_path / job.folder / 'training' / 'last.pth').touch()
    assert ('1 finished runs kept no weights' in outlook.forecast_text(prepared)) is told


@pytest.mark.parametrize(
    ('budget', 'steps', 'keep', 'told'),
    [('short', 10, False, True), ('short', 10, True, False), ('smoke', 10, False, False), ('short', 0, False, False)],
)
def test_whoever_trains_hears_before_that_weights_are_not_kept(prepared, budget, steps, keep, told):
    [job] = prepared.jobs
    prepared.footprints[job.folder].steps = steps
    prepared.setting.keep_checkpoints, prepared.setting.rule.name = keep, budget
    assert ('--keep-checkpoints keeps them' in outlook.unkept_text(prepared)) is told


def test_weights_that_will_be_missed_are_named_before(prepared, monkeypatch, tmp_path):
    monkeypatch.setattr(outlook.devices, 'places', lambda *_: (SimpleNamespace(memory_bytes=2**40),))
    assert outlook.lacking_text(prepared) == ''
    prepared.lacking.update(['r50-imagenet'])
    told = outlook.lacking_text(prepared)
    assert told.startswith('1 of 1 runs start from random weights')
    assert told.endswith(f'missing in {tmp_path / "weights"}: r50-imagenet.pth (1)')
    assert told in outlook.forecast_text(prepared)
    prepared.setting.rule.name = 'smoke'
    assert outlook.lacking_text(prepared) == ''


@pytest.mark.parametrize(
    ('documented', 'used', 'again'),
    [
        ('r50', 'random', True),
        ('r50', 'r50', False),
        ('r101', 'random', False),
        ('random', 'random', False),
        (None, None, False),
    ],
)
def test_a_run_is_repeated_once_its_documented_weights_are_there(tmp_path, documented, used, again):
    (tmp_path / 'r50.pth').touch()
    (tmp_path / 'random.pth').touch()
    receipt = SimpleNamespace(status='ok', init=documented and {'documented': documented, 'used': used})
    assert campaign._to_repeat(receipt, SimpleNamespace(retry_failed=False, weights=tmp_path)) is again


@pytest.mark.parametrize('has', [True, False, None])
def test_a_processor_that_computes_less_at_once_is_forecast_slower_until_a_run_tells(monkeypatch, has):
    monkeypatch.setattr(campaign.environment, 'computes_bf16', lambda: has)
    measured = SimpleNamespace(speeds=lambda: {('cpu', 'bf16'): 7e9})
    assumed = {('cpu', 'fp32'): forecast.NARROW_MACS_PER_SEC['cpu', 'fp32']} if has is False else {}
    assert campaign._speeds(measured) == {('cpu', 'bf16'): 7e9, **assumed}


@pytest.mark.parametrize(
    ('status', 'retry_failed', 'planned'),
    [
        ('nan', False, ['child']),
        ('oom', False, ['child']),
        ('nan', True, ['parent', 'child']),
        ('interrupted', False, ['parent', 'child']),
        ('ok', False, ['parent', 'child']),
    ],
)
def test_a_failed_parent_is_repeated_on_request_alone(tmp_path, monkeypatch, status, retry_failed, planned):
    """Its child, which was skipped for it, is to do all the same; of one that ended well the weights are gone."""
    parent = Run('r/parent', 'scenes', (96, 192), 'smoke', 0.0, 0)
    child = Run('r/child', 'scenes', (96, 192), 'smoke', 0.0, 0, parents=(parent.folder,))
    values = dict.fromkeys(store._REQUIRED, '') | {'schema_version': 1, 'seed': 0, 'key': 'k'}
    for run, ended in ((parent, status), (child, 'skipped')):
        store.write(tmp_path, run, Receipt(**values | {'status': ended}))
    monkeypatch.setattr(campaign.data_sets, 'check', lambda *_: SimpleNamespace(sha256='0'))
    monkeypatch.setattr(campaign.plan, 'make_plan', lambda *_, **__: SimpleNamespace(runs=(parent, child), left_out={}))
    monkeypatch.setattr(campaign.sources, 'key', lambda *_: 'k')
    monkeypatch.setattr(campaign, '_config', lambda *_: None)
    asked = []
    monkeypatch.setattr(campaign, '_add_jobs', lambda prepared, todo, *_: asked.extend(todo))
    setting = SimpleNamespace(
        dataset=SimpleNamespace(name='scenes'), size=(96, 192), rule=None, seeds=[0], precision='fp32',
        devices=('cpu',), switches=(), results=tmp_path, retry_failed=retry_failed, weights=tmp_path,
    )  # fmt: skip
    prepared = campaign.prepare(SimpleNamespace(experiments={}), [], setting)
    assert [run.experiment.removeprefix('r/') for run in asked] == planned
    assert prepared.statuses == ({} if len(planned) == 2 else {parent.folder: status})
