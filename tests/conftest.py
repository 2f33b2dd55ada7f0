"""Import the toolbox once, without the lines it prints about optional parts, and read each config once."""

import contextlib
import copy
import functools
import io
import warnings
from pathlib import Path

with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
    warnings.simplefilter('ignore')
    import mmseg.models  # noqa: F401

import mmengine.device.utils
import pytest
import torch
from mmengine.config import Config

# What is tested in this process says where it computes; the toolbox would move models to a GPU wherever there is one.
mmengine.device.utils.DEVICE = 'cpu'

CONFIGS = Path(__file__).resolve().parents[1] / 'configs'
read = Config.fromfile
read_first = functools.cache(read)


def read_once(path, *arguments, **options):
    """Return a copy of the config at ``path``: thousands of tests ask for 151 of them, which nobody changes."""
    if arguments or options or CONFIGS not in Path(path).resolve().parents:
        return read(path, *arguments, **options)
    return copy.deepcopy(read_first(Path(path).resolve()))


Config.fromfile = staticmethod(read_once)

# One thread rounds the same way on every machine, and small networks are no slower for it.
torch.set_num_threads(1)


@pytest.fixture
def eager(monkeypatch):
    """Compiling by the tracer alone: no compiler is needed, and every part is followed."""
    from bench.running import compiling

    plain = torch.compile
    monkeypatch.setattr(torch, 'compile', lambda function, **options: plain(function, backend='eager', **options))
    compiling.why_not.cache_clear()
    yield
    compiling.why_not.cache_clear()
    torch._dynamo.reset()


def pytest_collection_modifyitems(config, items):
    """Begin with the slow tests, as many on each of xdist's workers: those that are left in the end are short.

    Those beside them in their files come along, so that what they share is set up once.
    """
    workers = getattr(config, 'workerinput', {}).get('workercount', 1)
    slow = {item.path for item in items if item.get_closest_marker('slow')}
    kinds = [], []
    for item in items:
        kinds[item.path not in slow].append(item)
    items[:] = [
        item
        for worker in range(workers)
        for tests in kinds
        for item in tests[len(tests) * worker // workers : len(tests) * (worker + 1) // workers]
    ]
