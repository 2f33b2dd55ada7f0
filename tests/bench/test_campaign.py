"""The main command on a tiny benchmark: what is asked for happens, and nothing that goes wrong is lost."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FAKE = Path(__file__).parent / 'fake_benchmark'
sys.path.insert(0, str(FAKE))

import build  # noqa: E402


@pytest.fixture(scope='module')
def images(tmp_path_factory):
    root = tmp_path_factory.mktemp('images')
    build.write_images(root)
    return root


class Command:
    """``run_all.py`` on a benchmark folder, with a results folder and a cache of its own."""

    def __init__(self, folder, images):
        self.folder, self.images, self.results = folder, images, folder / 'results'

    def arguments(self, *more):
        return [
            sys.executable,
            str(ROOT / 'bench' / 'run_all.py'),
            '--benchmark',
            str(self.folder),
            '--dataset',
            'folder',
            '--data-root',
            str(self.images),
            '--classes',
            str(self.images / 'classes.txt'),
            '--results',
            str(self.results),
            '--device',
            'cpu',
            *more,
        ]

    def environment(self):
        return {
            **os.environ,
            'PYTHONPATH': f'{ROOT}{os.pathsep}{FAKE}',
            'SEGREPRO_CACHE': str(self.folder / 'cache'),
            'OMP_NUM_THREADS': '1',
            'NO_PROXY': '*',
            'http_proxy': 'http://127.0.0.1:9',
            'https_proxy': 'http://127.0.0.1:9',
        }

    def __call__(self, *more):
        return subprocess.run(
            self.arguments(*more), env=self.environment(), capture_output=True, text=True, timeout=240
        )

    def start(self, *more):
        return subprocess.Popen(
            self.arguments(*more), env=self.environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )

    def receipts(self):
        found = {}
        for path in sorted(self.results.glob('*/*/*/receipt.json')):
            receipt = json.loads(path.read_text())
            found[receipt['experiment'].split('/')[1]] = receipt
        return found


@pytest.fixture
def command(tmp_path, images):
    def made(faults, **options):
        return Command(build.write_benchmark(tmp_path / 'benchmark', faults, **options), images)

    return made


def test_every_failure_is_a_record_and_the_others_go_on(command):
    """An exception, no memory, NaN, SIGKILL and a hang, each in one run of six."""
    run = command({'good': None, 'broken': 'raise', 'memory': 'oom', 'nan': 'nan', 'killed': 'kill', 'hangs': 'hang'})
    ended = run('--jobs', '2', '--timeout-minutes', '0.25')
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
    assert 'ran longer than 15 s' in receipts['hangs']['reason']
    assert receipts['nan']['metrics'] is None
    assert '1 of 6 runs ok' in ended.stdout

    again = run()
    assert again.returncode == 1
    assert run.receipts() == receipts, 'failed runs are not repeated unasked'


def test_a_run_leaves_what_the_contract_names(command):
    run = command({'good': None})
    ended = run()
    assert ended.returncode == 0, ended.stderr
    folder = run.results / 'fake' / 'good' / 'folder-64x80-smoke-seed0'
    receipt = json.loads((folder / 'receipt.json').read_text())
    assert receipt['cost']['input_shape'] == [3, 64, 80]
    assert receipt['cost']['macs'] == 64 * 80 * 5 * 3 * 9
    assert receipt['cost']['flops'] == 2 * receipt['cost']['macs']
    assert receipt['run_cost']['macs'] == 64 * 80 * 3 * 3 * 9
    assert 0 < receipt['latency']['p50_ms'] <= receipt['latency']['p99_ms']
    assert set(receipt['metrics']['per_class_iou']) == set(build.CLASSES)
    assert receipt['train']['steps'] == 8
    assert receipt['data']['split'] == 'test'
    assert {'config.py', 'curves.csv', 'confusion.npz', 'log.txt', 'panels'} <= {
        entry.name for entry in folder.iterdir()
    }
    assert not list(folder.rglob('*.pth')), 'checkpoints are kept on request only'
    assert str(ROOT) not in (folder / 'receipt.json').read_text()
    assert (run.results / 'report' / 'index.html').exists()


def test_nothing_is_repeated_and_nothing_rewritten(command):
    run = command({'good': None})
    assert run().returncode == 0
    before = {
        path: path.stat().st_mtime_ns for path in run.results.rglob('*') if path.is_file() and '.lock' not in path.name
    }
    assert run().returncode == 0
    after = {
        path: path.stat().st_mtime_ns for path in run.results.rglob('*') if path.is_file() and '.lock' not in path.name
    }
    assert before == after


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


def wait_for(condition, seconds=60):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return
        time.sleep(0.05)
    raise AssertionError('waited in vain')


@pytest.mark.parametrize('how', [signal.SIGINT, signal.SIGKILL])
def test_a_stopped_command_continues_where_it_ended(command, how):
    run = command({'first': None, 'slow': 'slow'}, epochs=10.0)
    options = ('--budget', 'short', '--budget-factor', '0.7', '--seeds', '1')
    (run.folder / 'configs' / 'fake' / 'first.py').touch()
    going = run.start(*options)
    curve = run.results / 'fake' / 'slow'
    wait_for(
        lambda: (
            any('last.pth' == path.name for path in curve.rglob('*')) or _steps(curve) > 3 or going.poll() is not None
        )
    )
    time.sleep(2)
    going.send_signal(how)
    going.communicate(timeout=90)
    assert going.returncode == (130 if how == signal.SIGINT else -signal.SIGKILL)
    first = run.receipts()['first']
    if how == signal.SIGINT:
        assert run.receipts()['slow']['status'] == 'interrupted'
    else:
        assert 'slow' not in run.receipts()
    wait_for(lambda: not _alive(run))
    (run.folder / 'configs' / 'fake' / 'slow.py').write_text((run.folder / 'configs' / 'fake' / 'slow.py').read_text())
    assert first == run.receipts()['first']


def _steps(folder):
    return sum(path.read_text().count('\n') for path in folder.rglob('curves.csv'))


def _alive(run):
    import psutil

    return [p for p in psutil.process_iter(['cmdline']) if str(run.results) in ' '.join(p.info['cmdline'] or [])]
