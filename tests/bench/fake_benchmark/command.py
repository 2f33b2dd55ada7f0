"""The main command in a process of its own, on a benchmark folder of the tests."""

import json
import multiprocessing
import os
import signal
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

from bench.execute import local

ROOT = Path(__file__).resolve().parents[3]
FAKE = Path(__file__).parent


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
        """Run it forked from a process that has torch and the toolbox loaded, where it would load them for seconds."""
        said = [self.folder / 'cache' / name for name in ('stdout', 'stderr')]
        said[0].parent.mkdir(exist_ok=True)
        process = local.context().Process(
            target=_be_the_command, args=(self.arguments(*more)[1:], self.environment(), *said)
        )
        process.start()
        process.join(480)
        process.kill()
        process.join()
        return SimpleNamespace(returncode=process.exitcode, stdout=said[0].read_text(), stderr=said[1].read_text())

    def alone(self, *more):
        """Run it as users do, in an interpreter of its own."""
        return subprocess.run(
            self.arguments(*more), env=self.environment(), capture_output=True, text=True, timeout=480
        )

    def start(self, *more):
        """Start it as users do and return the process."""
        return subprocess.Popen(
            self.arguments(*more),
            env=self.environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
            # Where the tests themselves run in the background, Ctrl-C is ignored and children inherit that.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )

    def receipts(self):
        found = {}
        for path in sorted(self.results.glob('*/*/*/receipt.json')):
            receipt = json.loads(path.read_text())
            found[receipt['experiment'].split('/')[1]] = receipt
        return found


def _be_the_command(argv, environment, stdout, stderr):
    os.environ.clear()
    os.environ.update(environment)
    sys.path[:0] = environment['PYTHONPATH'].split(os.pathsep)
    for path, descriptor in ((stdout, 1), (stderr, 2)):
        os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), descriptor)
    sys.argv = argv
    # Its workers would be forked from a server of its own; all that that one loads is loaded here.
    fork = multiprocessing.get_context('fork')
    multiprocessing.get_context = lambda method=None: fork
    from bench import run_all

    sys.exit(run_all.main(argv[1:]))
