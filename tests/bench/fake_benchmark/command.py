"""The main command in a process of its own, on a benchmark folder of the tests."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

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
        return subprocess.run(
            self.arguments(*more), env=self.environment(), capture_output=True, text=True, timeout=480
        )

    def start(self, *more):
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
