"""Configs of a user's own become experiments, stand in one table with the documented ones, and are not run twice."""

import csv
import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from bench import budgets, checkpoints, cost_campaign
from bench.errors import PlanError
from bench.experiments import Catalogue
from bench.own import fitting
from bench.own import models as own_models
from bench.own.translate import Target
from bench.records import Run

sys.path.insert(0, str(Path(__file__).parents[1]))
sys.path.insert(0, str(Path(__file__).parents[1] / 'fake_benchmark'))

import build
import jobs
import zoo

ROOT = Path(__file__).resolve().parents[3]
TARGET = Target('folder', build.CLASSES, 8, (64, 80))


def touched(path, text=''):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def ids(configs, checkpoints=()):
    return [one.id for one in own_models.named(configs, checkpoints)]


def test_an_id_is_the_files_name_made_valid(tmp_path):
    names = ['pspnet_r50-d8_4xb2-40k_cityscapes-512x1024.py', '2Stage NET__v1.py', 'é.py']
    found = ids([touched(tmp_path / name) for name in names])
    assert found == ['own/pspnet_r50_d8_4xb2_40k_cityscapes_512x1024', 'own/m_2stage_net_v1', 'own/m']


def test_an_evaluation_has_an_id_of_its_own(tmp_path):
    """Else evaluating a model would replace its training, weights and all."""
    config, weights = touched(tmp_path / 'a.py'), touched(tmp_path / 'pspnet_r50.pth')
    assert ids([config]) == ['own/a']
    assert ids([config], [weights]) == ['own/a__pspnet_r50']


@pytest.mark.parametrize('name', ['iter_400', 'epoch_12', 'last', 'best_mIoU_iter_80'])
def test_a_checkpoint_named_as_they_all_are_is_told_by_its_folder(tmp_path, name):
    """Else that of another training would replace it in the results."""
    config, weights = touched(tmp_path / 'a.py'), touched(tmp_path / 'Run 7' / f'{name}.pth')
    assert ids([config], [weights]) == [f'own/a__run_7_{name.lower()}']
    ours = touched(tmp_path / 'enet' / 'camvid-seed0' / 'training' / f'{name}.pth')
    assert ids([config], [ours]) == [f'own/a__enet_camvid_seed0_training_{name.lower()}']


def test_equal_names_take_in_their_folders(tmp_path):
    configs = [touched(tmp_path / folder / 'net.py') for folder in ('one', 'two')]
    assert ids(configs) == ['own/one_net', 'own/two_net']
    assert ids([*configs, touched(tmp_path / 'other.py')])[-1] == 'own/other'
    weights = [touched(tmp_path / folder / 'w.pth') for folder in ('x', 'y')]
    assert ids([configs[0]] * 2, weights) == ['own/one_net__x_w', 'own/one_net__y_w']


def test_what_names_no_model_is_refused(tmp_path):
    config, weights = touched(tmp_path / 'a.py'), touched(tmp_path / 'a.pth')
    for arguments, reason in (
        (([config], [weights, weights]), '--checkpoint names 2 files, --config 1: give one for each config'),
        (([tmp_path / 'b.py'],), r'no file .*b\.py'),
        (([touched(tmp_path / 'a.yaml')],), r'a\.yaml: a text config is a \.py file'),
        (([config, config],), r'a\.py is given twice'),
        (([config, config], [weights, weights]), r'a\.py is given twice with the same checkpoint'),
    ):
        with pytest.raises(PlanError, match=reason):
            own_models.named(*arguments)


def experiment_of(model, target, checkpoint_file):
    return f'"""Heading.\n\nA note.\n"""\n\nmodel = {model.config.read_text()!r}\ntarget = {target.size}\n'


def prepared(tmp_path, *configs, checkpoints=(), target=TARGET, translate=experiment_of):
    return own_models.prepare(own_models.named(configs, checkpoints), target, tmp_path / 'cache', translate)


def test_a_config_is_translated_once_until_something_changes(tmp_path):
    calls = []

    def counted(*arguments):
        calls.append(arguments)
        return experiment_of(*arguments)

    base = touched(tmp_path / 'base.py', 'a = 1\n')
    config = touched(tmp_path / 'leaf.py', "_base_ = './base.py'\n")
    first = prepared(tmp_path, config, translate=counted)
    assert first.notes == {'own/leaf': ['A note.']}
    assert prepared(tmp_path, config, translate=counted) == first
    assert len(calls) == 1
    base.write_text('a = 2\n')
    assert prepared(tmp_path, config, translate=counted).configs != first.configs
    prepared(tmp_path, config, target=Target('folder', build.CLASSES, 8, (128, 80)), translate=counted)
    assert len(calls) == 3


@pytest.mark.parametrize(
    'text',
    ["import os\nlr = os.environ['LR']\n", "lr = '{{$LR:1}}'\n", "lr = __import__('os').environ['LR']\n"],
)
def test_a_config_that_reads_the_environment_is_asked_each_time(tmp_path, text):
    config, said = touched(tmp_path / 'a.py', text), iter('112')
    rates = [prepared(tmp_path, config, translate=lambda *_: f'lr = {next(said)}\n').configs for _ in range(3)]
    assert rates[0] == rates[1]
    [first], [last] = (one.values() for one in rates[1:])
    assert 'lr = 1' in first.read_text(), 'runs under way still read what they were planned with'
    assert 'lr = 2' in last.read_text()


def test_the_experiment_lies_beside_a_link_to_its_weights_named_by_their_hash(tmp_path):
    config, weights = touched(tmp_path / 'a.py'), touched(tmp_path / 'w.pth', 'abc')
    files = []
    made = prepared(tmp_path, config, checkpoints=[weights], translate=lambda *a: files.append(a[2]) or '')
    [path] = made.configs.values()
    # The hash of b'abc', as the standard's own example prints it.
    assert files == ['ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad.pth']
    assert (path.parent / files[0]).read_text() == 'abc'
    moved = touched(tmp_path / 'elsewhere' / 'w.pth', 'abc')
    assert prepared(tmp_path, config, checkpoints=[moved], translate=None).configs == made.configs, 'content counts'


def test_code_that_a_config_imports_is_part_of_its_experiment(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    config, module = touched(tmp_path / 'a.py'), touched(tmp_path / 'my_network_code.py', 'x = 1\n')

    def text():
        [path] = prepared(
            tmp_path, config, translate=lambda *_: "custom_imports = {'imports': ['my_network_code']}\n"
        ).configs.values()
        return path.read_text()

    first = text()
    assert 'my_network_code' in first.splitlines()[-1]
    module.write_text('x = 2\n')
    assert text() != first


def test_all_that_cannot_run_is_named_at_once(tmp_path):
    lines = [
        touched(tmp_path / 'shipped.py', "_base_ = 'mmseg::pspnet/pspnet_r50-d8.py'\n"),
        touched(tmp_path / 'absent.py', "_base_ = ['../absent_base.py']\n"),
        touched(tmp_path / 'syntax.py', 'model = dict(\n'),
        touched(tmp_path / 'computed.py', '_base_ = [str(1)]\n'),
        touched(tmp_path / 'good.py'),
    ]
    with pytest.raises(PlanError) as error:
        prepared(tmp_path, *lines)
    said = str(error.value)
    assert said.startswith('4 of 5 configs cannot be run')
    assert 'its _base_ mmseg::pspnet/pspnet_r50-d8.py does not exist: write the path itself' in said
    assert '.mim/configs' in said
    assert 'absent_base.py does not exist' in said
    assert 'syntax.py: is no Python' in said
    assert '_base_ must be text' in said


def test_an_own_model_is_a_row_without_documented_numbers(tmp_path):
    joined = prepared(tmp_path, touched(tmp_path / 'a.py')).join(Catalogue(reports={}, experiments={}))
    row = joined.experiments['own/a']
    assert (row.documented, row.report, row.status) == ((), 'own', 'described')
    assert row.reason


@pytest.fixture(scope='module')
def trained(tmp_path_factory):
    """An own model trained in this process, its weights kept: (folder of everything, config, receipt, weights)."""
    folder = tmp_path_factory.mktemp('own')
    build.write_images(folder / 'images')
    config = zoo.write(folder, extra='model = dict(decode_head=dict(num_classes=3))\n')
    target = Target('folder', build.CLASSES, 8, (64, 80))
    experiment = touched(folder / 'experiment.py', fitting.experiment_text(config, target, None, None))
    run, receipt = jobs.execute(
        jobs.make_job(folder, experiment, Run('own/tiny', 'folder', (64, 80), 'smoke', 0.0, 0), folder / 'trained')
    )
    assert receipt.status == 'ok', receipt.reason
    return folder, config, receipt, run / 'training' / 'last.pth'


def test_weights_that_are_kept_say_what_their_classes_are(trained):
    """So that an evaluation on data of other classes, or of another order, is noticed."""
    stored = checkpoints.read(trained[-1])
    assert stored.classes == tuple(build.CLASSES)
    assert len(stored.palette) == len(build.CLASSES)


def test_a_trained_model_has_everybodys_receipt(trained):
    _, _, receipt, _ = trained
    assert receipt.report == 'own'
    assert receipt.init['documented'] == 'tiny_erfnet'
    assert receipt.init['used'] == 'random', 'weights are never fetched'
    assert receipt.train['steps'] == budgets.rule('smoke').max_steps
    assert receipt.metrics['miou'] > 0


@pytest.fixture(scope='module')
def evaluated(trained):
    """``run_all.py`` on those weights beside a tiny documented benchmark: how to repeat it, its end, the results."""
    folder, config, _, weights = trained
    build.write_benchmark(folder / 'benchmark', {'good': None})
    results = folder / 'results'
    options = ['--benchmark', folder / 'benchmark', '--dataset', 'folder', '--data-root', folder / 'images']
    options += ['--results', results, '--device', 'cpu', '--jobs', '1', '--budget', 'smoke']
    places = {'PYTHONPATH': f'{ROOT}{os.pathsep}{Path(build.__file__).parent}', 'SEGREPRO_CACHE': str(folder / 'cache')}

    def command(*more):
        return subprocess.run(
            [
                sys.executable,
                ROOT / 'bench' / 'run_all.py',
                '--config',
                config,
                '--checkpoint',
                weights,
                *options,
                *more,
            ],
            env={**os.environ, **places, 'OMP_NUM_THREADS': '1'},
            capture_output=True,
            text=True,
            timeout=480,
        )

    ended = command('--only', 'fake/*')
    assert ended.returncode == 0, ended.stderr
    return command, ended, results


EVALUATED = 'tiny_4xb2_40k_cityscapes_512x1024__tiny_folder_64x80_smoke_seed0_training_last'


@pytest.mark.slow
def test_an_evaluation_scores_what_the_training_left(trained, evaluated):
    _, _, receipt, weights = trained
    [run] = (evaluated[2] / 'own' / EVALUATED).glob('folder-*-64x80-smoke-seed0')
    stored = json.loads((run / 'receipt.json').read_text())
    assert stored['metrics'] == receipt.metrics
    assert stored['cost']['input_shape'] == [3, 512, 1024]
    assert stored['run_cost']['input_shape'] == [3, 64, 80]
    assert stored['train'] is None
    assert stored['init']['documented'] is None
    assert stored['init']['used'] == f'last.pth sha256:{hashlib.sha256(weights.read_bytes()).hexdigest()}'
    with np.load(run / 'confusion.npz') as ours, np.load(weights.parents[1] / 'confusion.npz') as theirs:
        assert np.array_equal(ours['test'], theirs['test'])
        assert ours['test'].sum() > 0
    assert not list(run.rglob('*.pth'))


def test_own_models_stand_in_one_table_with_the_documented(evaluated):
    _, ended, results = evaluated
    assert '2 of 2 runs ok' in ended.stdout
    [table] = (results / 'report' / 'tables').glob('ranking-*.md')
    with (results / 'report' / 'experiments.csv').open() as lines:
        rows = {row['id']: row for row in csv.DictReader(lines)}
    for name in (f'own/{EVALUATED}', 'fake/good'):
        assert name in table.read_text().replace('\\', '')
        for column in ('miou', 'counted_gflops', 'run_gflops', 'latency_p50_ms', 'inference_memory_bytes'):
            assert float(rows[name][column]) > 0
    assert not rows[f'own/{EVALUATED}']['documented_miou']


def test_only_own_models_run_and_none_twice(evaluated):
    command, _, results = evaluated
    stamps = {path: path.stat().st_mtime_ns for path in results.glob('*/*/*/receipt.json')}
    assert len(stamps) == 2
    ended = command()
    assert ended.returncode == 0, ended.stderr
    assert '1 of 1 runs ok' in ended.stdout
    assert {path: path.stat().st_mtime_ns for path in stamps} == stamps


def test_their_cost_is_that_of_their_own_config(tmp_path):
    made = prepared(tmp_path, touched(tmp_path / 'a.py'))
    setting = cost_campaign.CostSetting('cpu', 'fp32', tmp_path / 'results', tmp_path / 'configs', own=made.configs)
    [job], done = cost_campaign.prepare(made.join(Catalogue(reports={}, experiments={})), ['own/a'], setting)
    assert job.config == made.configs['own/a']
    assert not done
