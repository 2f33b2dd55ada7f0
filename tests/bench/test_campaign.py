"""The main command on a tiny benchmark: what is asked for happens, and nothing that goes wrong is lost."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import psutil
import pytest

from bench import budgets, lease
from bench.measure import accuracy

ROOT = Path(__file__).resolve().parents[2]
STOPPED = {'first': None, 'slow': 'steady'}
SHORT = ('--budget', 'short', '--budget-factor', '0.1')
sys.path.insert(0, str(Path(__file__).parent / 'fake_benchmark'))

import build  # noqa: E402
from command import Command  # noqa: E402


@pytest.mark.slow
def test_every_failure_is_a_record_and_the_others_go_on(command):
    """An exception, no memory, NaN, SIGKILL and a hang, each in one run of six."""
    run = command({'good': None, 'broken': 'raise', 'memory': 'oom', 'nan': 'nan', 'killed': 'kill', 'hangs': 'hang'})
    ended = run.alone('--jobs', '2', '--timeout-minutes', '0.5')
    assert ended.returncode == 1, ended.stderr
    receipts = run.receipts()
    assert {name: receipt['status'] for name, receipt in receipts.items()} == {
        'good': 'ok',
        'broken': 'crash',
        'memory': 'oom',
        'nan': 'nan',
        'killed': 'crash',
        'hangs': 'timeout',
    }
    assert 'the network broke' in receipts['broken']['reason']
    assert 'SIGKILL' in receipts['killed']['reason']
    assert 'nan at iteration 2' in receipts['nan']['reason']
    assert 'ran longer than 30 s' in receipts['hangs']['reason']
    assert receipts['nan']['metrics'] is None
    assert receipts['killed']['cost'] == receipts['good']['cost'], 'counted before anything was run'
    assert receipts['memory']['memory']['admitted_bytes'] > 0, 'the next forecast begins above it'
    assert '1 of 6 runs ok' in ended.stdout

    again = run()
    assert again.returncode == 1
    assert run.receipts() == receipts, 'failed runs are not repeated unasked'


@pytest.fixture(scope='module')
def finished(tmp_path_factory, images):
    """A command that has done all it was asked for; whoever looks on leaves it as it is."""
    run = Command(build.write_benchmark(tmp_path_factory.mktemp('finished') / 'benchmark', {'good': None}), images)
    ended = run.alone()
    assert ended.returncode == 0, ended.stderr
    return run


def test_a_run_leaves_what_the_contract_names(finished):
    run = finished
    [folder] = (run.results / 'fake' / 'good').glob('folder-????????-64x80-smoke-seed0')
    receipt = json.loads((folder / 'receipt.json').read_text())
    assert receipt['cost']['input_shape'] == [3, 64, 80]
    assert receipt['cost']['macs'] == 64 * 80 * 5 * 3 * 9
    assert receipt['cost']['flops'] == 2 * receipt['cost']['macs']
    assert receipt['run_cost']['macs'] == 64 * 80 * 3 * 3 * 9
    assert 0 < receipt['latency']['p50_ms'] <= receipt['latency']['p99_ms']
    assert set(receipt['metrics']['per_class_iou']) == set(build.CLASSES)
    assert receipt['train']['steps'] == budgets.rule('smoke').max_steps
    assert receipt['data']['split'] == 'test'
    assert receipt['environment']['others_at_work'] in (True, False)
    assert {'config.py', 'curves.csv', 'confusion.npz', 'log.txt', 'panels'} <= {
        entry.name for entry in folder.iterdir()
    }
    with np.load(folder / 'confusion.npz') as stored:
        assert accuracy.scores(stored['test'], build.CLASSES) == receipt['metrics']
        pooled = accuracy.scores(stored['val'], build.CLASSES)['miou']
        assert pooled == pytest.approx(receipt['validation']['last_miou'])
        assert len(stored['val']) == len(stored['val_names'])
    assert not list(folder.rglob('*.pth')), 'checkpoints are kept on request only'
    assert str(ROOT) not in (folder / 'receipt.json').read_text()
    assert (run.results / 'report' / 'index.html').exists()


def test_nothing_is_repeated_and_nothing_rewritten(finished):
    run = finished
    before = {
        path: path.stat().st_mtime_ns for path in run.results.rglob('*') if path.is_file() and '.lock' not in path.name
    }
    assert run().returncode == 0
    after = {
        path: path.stat().st_mtime_ns for path in run.results.rglob('*') if path.is_file() and '.lock' not in path.name
    }
    assert before == after


@pytest.mark.slow
def test_failed_runs_are_repeated_on_request_and_corrupt_receipts_always(command):
    run = command({'good': None, 'broken': 'raise'})
    assert run().returncode == 1
    good = next(run.results.glob('fake/good/*/receipt.json'))
    good.write_text('{"schema')
    config = run.folder / 'configs' / 'fake' / 'broken.py'
    stamp = next(run.results.glob('fake/broken/*/receipt.json')).stat().st_mtime_ns
    ended = run('--retry-failed')
    assert 'set aside as receipt.json.corrupt' in ended.stderr
    assert run.receipts()['good']['status'] == 'ok'
    assert next(run.results.glob('fake/broken/*/receipt.json')).stat().st_mtime_ns > stamp
    config.write_text(config.read_text().replace("'raise'", 'None'))
    assert run().returncode == 0, 'a mended config has another key and runs again'


def wait_for(condition, seconds=240):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, 'waited in vain'
        time.sleep(0.05)


def checkpoint_of(run, name):
    return list(run.results.glob(f'fake/{name}/*/training/last.pth'))


def left_alone(run):
    """Whether no process of the command is left."""
    return not [
        p
        for p in psutil.process_iter(['environ'])
        if (p.info['environ'] or {}).get('SEGREPRO_CACHE') == str(run.folder / 'cache')
    ]


@pytest.mark.slow
@pytest.mark.parametrize('how', [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_stopped_command_continues_where_it_ended(command, uninterrupted, how):
    """Ctrl-C, the end of its time in a batch system, and SIGKILL: what was finished stays, what was begun goes on.

    Batch systems signal all processes of a group.
    """
    run = command(STOPPED, epochs=2.0)
    going = run.start(*SHORT)
    wait_for(lambda: ('first' in run.receipts() and steps_of(run, 'slow') >= 50) or going.poll() is not None)
    if how == signal.SIGTERM:
        os.killpg(going.pid, how)
    else:
        going.send_signal(how)
    _, said = going.communicate(timeout=240)
    assert going.returncode == (-signal.SIGKILL if how == signal.SIGKILL else 130), said
    wait_for(lambda: left_alone(run))
    first = next(run.results.glob('fake/first/*/receipt.json'))
    stamp = first.stat().st_mtime_ns
    if how != signal.SIGKILL:
        assert run.receipts()['slow']['status'] == 'interrupted'
        assert checkpoint_of(run, 'slow')
        assert 'continues where this one ended' in said

    assert run(*SHORT).returncode == 0
    assert first.stat().st_mtime_ns == stamp, 'the finished run is not repeated'
    slow = run.receipts()['slow']
    assert slow['status'] == 'ok'
    assert slow['train']['steps'] == 200
    if how != signal.SIGKILL:
        assert slow['resumed'] == 1
        assert slow['metrics']['miou'] == pytest.approx(uninterrupted['metrics']['miou'], abs=0)


@pytest.fixture(scope='module')
def uninterrupted(tmp_path_factory, images):
    """The receipt of the training that is stopped elsewhere, left alone."""
    folder = tmp_path_factory.mktemp('uninterrupted') / 'benchmark'
    run = Command(build.write_benchmark(folder, STOPPED, epochs=2.0), images)
    assert run('--only', 'fake/slow', *SHORT).returncode == 0
    return run.receipts()['slow']


def steps_of(run, name):
    return sum(
        max(0, path.read_text().count('\n') - 1) for path in run.results.glob(f'fake/{name}/*/training/curves.csv')
    )


@pytest.mark.slow
def test_a_second_command_on_the_same_results_is_refused(command):
    run = command({'hangs': 'hang'})
    going = run.start('--timeout-minutes', '5')
    try:
        wait_for(lambda: (run.results / '.lock.json').exists() or going.poll() is not None)
        second = run()
        assert second.returncode == 2
        assert f'is in use by process {going.pid} (run_all.py --benchmark' in second.stderr
    finally:
        going.kill()
        going.communicate()
        wait_for(lambda: left_alone(run))


@pytest.mark.slow
def test_what_would_not_end_in_time_is_not_started(command):
    run = command({'good': None})
    ended = run('--max-minutes', '0.0001')
    assert ended.returncode == 1
    receipt = run.receipts()['good']
    assert receipt['status'] == 'skipped'
    assert 'would end after --max-minutes' in receipt['reason']
    assert run().returncode == 0, 'a skipped run is run when there is time'


@pytest.mark.slow
def test_a_dry_run_forecasts_and_writes_nothing(command):
    run = command({'good': None, 'other': None})
    called = 'import sys; from bench import run_all; code = run_all.main(); sys.exit(code or "torch" in sys.modules)'
    arguments = [sys.executable, '-c', called, *run.arguments('--dry-run')[2:]]
    ended = subprocess.run(arguments, env=run.environment(), capture_output=True, text=True, timeout=480)
    assert ended.returncode == 0, ended.stderr or 'the command has loaded torch'
    assert re.search('fake/good/folder-[0-9a-f]{8}-64x80-smoke-seed0 ', ended.stdout)
    assert '2 to run' in ended.stdout
    assert not run.results.exists()


@pytest.mark.parametrize(
    ('arguments', 'said'),
    [
        (['--only', 'fake/god'], "unknown experiment 'fake/god': did you mean fake/good?"),
        (['--report', 'fak'], "unknown report 'fak': did you mean fake?"),
        (['--dataset', 'camvd'], "unknown data set 'camvd': did you mean camvid?"),
        (['--budget', 'shrt'], "unknown budget 'shrt': did you mean short"),
        (['--size', '10x10'], 'both sides must be at least 64'),
        (['--device', 'gpu'], "unknown device 'gpu'"),
        (['--jobs-per-gpu', '2'], '--jobs-per-gpu 2: the runs use the cpu, not a GPU; --jobs N is for those'),
        (['--gpus', '0,1'], '--gpus 0,1 --device cpu: choose one of the two'),
    ],
)
def test_a_wrong_name_is_answered_with_the_nearest(command, arguments, said):
    ended = command({'good': None})(*arguments)
    assert ended.returncode == 2
    assert said in ended.stderr
    assert 'Traceback' not in ended.stderr


def test_an_unknown_option_is_refused_by_name(command):
    ended = command({'good': None})('--budgte', 'short')
    assert ended.returncode == 2
    assert '--budgte' in ended.stderr


def test_a_truncated_image_is_named_before_anything_is_trained(command, tmp_path):
    root = tmp_path / 'broken images'
    build.write_images(root)
    victim = root / 'images' / 'train' / '3.png'
    victim.write_bytes(victim.read_bytes()[:200])
    run = command({'good': None})
    run.images = root
    ended = run()
    assert ended.returncode == 2
    assert 'images/train/3.png' in ended.stderr
    assert not run.receipts()


@pytest.mark.skipif(os.geteuid() == 0, reason='root may write to read-only folders')
def test_a_read_only_results_folder_is_refused_by_name(command):
    run = command({'good': None})
    run.results.mkdir()
    run.results.chmod(0o500)
    ended = run()
    assert ended.returncode == 2
    assert 'cannot write to the results folder' in ended.stderr


def test_a_results_folder_that_cannot_be_made_is_refused_by_name(command):
    run = command({'good': None})
    (run.folder / 'file').write_text('')
    run.results = run.folder / 'file' / 'results'
    ended = run()
    assert ended.returncode == 2
    assert 'cannot write to the results folder' in ended.stderr


def test_the_list_is_complete_and_machine_readable(command):
    listed = json.loads(command({'good': None, 'other': None})('--list', '--json').stdout)
    assert [row['id'] for row in listed] == ['fake/good', 'fake/other']
    assert listed[0]['documented'] == {'miou': 50.0}


@pytest.mark.slow
def test_the_cost_of_every_network_is_timed_without_training(command):
    run = command({'good': None, 'other': None})
    ended = run('--cost')
    assert ended.returncode == 0, ended.stderr
    [path] = run.results.glob('fake/good/cost-cpu-fp32-64x80.json')
    record = json.loads(path.read_text())
    assert record['cost']['macs'] == 64 * 80 * 5 * 3 * 9, 'documented classes, not those of a data set'
    assert record['same_network'] == ['fake/other'] and record['as_documented']
    assert '1 of 1 runs ok' in ended.stdout and not list(run.results.glob('fake/other/cost-*')), 'timed once'
    assert 0 < record['latency']['p50_ms'] <= record['latency']['p99_ms']
    assert not run.receipts()
    assert 'Cost at the documented size, fp32' in (run.results / 'report' / 'README.md').read_text()

    late = run('--cost', '--precision', 'bf16', '--max-minutes', '0.001')
    assert late.returncode == 1
    assert 'would end after --max-minutes' in late.stderr
    assert not list(run.results.glob('fake/*/cost-cpu-bf16-*.json'))

    stamp = path.stat().st_mtime_ns
    assert run('--cost').returncode == 0
    assert run('--cost', '--only', 'fake/other').returncode == 0
    assert path.stat().st_mtime_ns == stamp, 'what is timed already is not timed again, nor its network'

    assert run('--cost', '--size', '64x96').returncode == 0
    sized = json.loads((run.results / 'fake/good/cost-cpu-fp32-given-64x96.json').read_text())
    assert not sized['as_documented'] and sized['cost']['macs'] == 64 * 96 * 5 * 3 * 9
    assert 'Cost at 64x96, fp32' in (run.results / 'report' / 'README.md').read_text()


@pytest.mark.slow
def test_the_cost_waits_for_the_device_and_says_so(command):
    run = command({'good': None})
    training = lease.Lease('cpu', run.folder / 'cache' / 'devices')
    training.join()
    going = run.start('--cost')
    try:
        said = going.stderr.readline()
        assert said == 'fake/good/cost-cpu-fp32 waits until nobody else uses the device\n'
        assert not list(run.results.glob('fake/good/cost-*.json'))
        training.leave()
        _, said = going.communicate(timeout=240)
        assert going.returncode == 0, said
    finally:
        going.kill()
        going.communicate()
    assert list(run.results.glob('fake/good/cost-*.json'))


@pytest.mark.slow
def test_runs_at_once_say_that_their_times_are_shared_and_a_run_alone_does_not(command):
    run = command({'slow': 'slow', 'other': 'slow'})
    assert run('--jobs', '2').returncode == 0
    assert {receipt['contended'] for receipt in run.receipts().values()} == {True}
    alone = Command(run.folder, run.images)
    alone.results = run.folder / 'alone'
    assert alone('--jobs', '2', '--only', 'fake/slow').returncode == 0
    assert alone.receipts()['slow']['contended'] is False
