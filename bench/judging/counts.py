"""The counted table: multiply-adds and parameters of every documented network, without training any.

``counts.json`` maps an experiment's id to ``{key, cost, training, documented}``: ``cost`` as in a receipt;
``training`` the forward of one training sample (``input_shape`` [C, H, W], ``macs`` with all scales and heads,
``macs_trunk`` without heads); ``documented`` the ``dataset``, the ``short_side`` of its images in pixels and the
``epochs`` of all stages of the training. ``key`` hashes the sources that a count depends on, so that only what changed
is counted again.
"""

import hashlib
import json
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Any

from bench import sources, store
from bench.errors import BenchError
from bench.execute.local import context

Counts = dict[str, dict[str, Any]]
FILE = 'counts.json'
_ROOT = Path(__file__).resolve().parents[2]
_COUNTERS = (_ROOT / 'bench' / 'measure' / 'cost.py', _ROOT / 'bench' / 'measure' / 'documented.py')
# Losses, transforms and loops change what a network learns, never what a forward costs.
_COUNTED = frozenset({'backbones', 'branches', 'heads', 'segmentors'})


def key(experiment: str, config: Path) -> str:
    """Return the hash of everything that the counts of ``experiment`` depend on."""
    files = [file for file in sources.reached(config) if file.suffix == '.py' and _matters(file)]
    digests = sorted(hashlib.sha256(file.read_bytes()).hexdigest() for file in {*files, *_COUNTERS})
    return hashlib.sha256(json.dumps([experiment, *digests]).encode()).hexdigest()[:24]


def read(path: Path) -> Counts:
    """Return the table stored at ``path``; empty where there is none.

    Raises:
        BenchError: the file is no JSON object.
    """
    try:
        table = json.loads(path.read_text(encoding='utf-8'))
    except FileNotFoundError:
        return {}
    except ValueError as error:
        raise BenchError(f'{path} is not JSON ({error}); delete it, it is counted again') from error
    if not isinstance(table, dict):
        raise BenchError(f'{path} holds a {type(table).__name__}; it must map experiments to counts')
    return table


def stale(table: Mapping[str, Mapping[str, Any]], configs: Mapping[str, Path]) -> list[str]:
    """Return the experiments of ``configs`` (id to config file) that ``table`` lacks or counted from other sources."""
    return [name for name, config in configs.items() if table.get(name, {}).get('key') != key(name, config)]


def refresh(path: Path, configs: Mapping[str, Path]) -> Counts:
    """Return the up-to-date table of ``configs`` and store it at ``path`` where it changed.

    Counting runs in a child process, 0.1 to 1 s a network; nothing is counted where no source changed.

    Raises:
        BenchError: a network cannot be counted; the message names the experiment.
    """
    table = read(path)
    due = stale(table, configs)
    fresh = {name: table[name] for name in configs if name not in due}
    for name, counted in zip(due, _count_in_child([configs[name] for name in due]), strict=True):
        if isinstance(counted, str):
            raise BenchError(f'{name}: the network cannot be counted: {counted}')
        fresh[name] = {'key': key(name, configs[name]), **counted}
    fresh = {name: fresh[name] for name in sorted(fresh)}
    if fresh != table:
        store.write_atomically(path, json.dumps(fresh, indent=1) + '\n')
    return fresh


def configs_of(experiments: Mapping[str, Any], folder: Path) -> dict[str, Path]:
    """Return the config file below ``folder`` of every experiment id that has one."""
    files = {name: folder / f'{name}.py' for name in experiments}
    return {name: file for name, file in files.items() if file.is_file()}


def _matters(file: Path) -> bool:
    if _ROOT / 'custom_ops' in file.parents:
        return file.relative_to(_ROOT / 'custom_ops').parts[0] in _COUNTED
    return _ROOT / 'bench' not in file.parents


def _count_in_child(configs: list[Path]) -> list[dict[str, Any] | str]:
    if not configs:
        return []
    with ProcessPoolExecutor(max_workers=1, mp_context=context()) as pool:
        try:
            return list(pool.map(_count, configs))
        except BrokenProcessPool as error:
            raise BenchError(f'counting {len(configs)} networks ended its process: {error}') from error


def _count(config: Path) -> dict[str, Any] | str:
    # Imported here: this runs in the child, the commands never load torch.
    from bench.measure.documented import count_documented

    try:
        return count_documented(config)
    except Exception as error:
        return f'{type(error).__name__}: {error}'
