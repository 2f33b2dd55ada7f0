"""Which files a run depends on, and the key that hashes them. Reads text only; imports none of it."""

import ast
import functools
import hashlib
import importlib.util
import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from bench import budgets
from bench.errors import PlanError
from bench.records import Run, Size

_PACKAGE = Path(__file__).resolve().parent
_OPS = _PACKAGE.parent / 'custom_ops'

ALWAYS = (
    'bench/amounts.py',
    'bench/checkpoints.py',
    'bench/compose.py',
    'bench/hooks.py',
    'bench/measure/accuracy.py',
    'bench/measure/allocator.py',
    'bench/measure/boundary.py',
    'bench/measure/cost.py',
    'bench/measure/detail.py',
    'bench/measure/latency.py',
    'bench/measure/maps.py',
    'bench/measure/memory.py',
    'bench/measure/objects.py',
    'bench/measure/receipt_cost.py',
    'bench/own/heads.py',
    'bench/pipelines.py',
    'bench/running/compiling.py',
    'bench/running/counting.py',
    'bench/running/curve.py',
    'bench/running/layout.py',
    'bench/running/peaks.py',
    'bench/running/precise_bn.py',
    'bench/running/progress.py',
    'bench/running/protocol.py',
    'bench/running/scoring.py',
    'bench/running/training.py',
    'bench/running/weights.py',
    'bench/schedules.py',
    'bench/sizes.py',
    'bench/stages.py',
    'custom_ops/datasets/pair_list.py',
    'custom_ops/datasets/seeding.py',
    'custom_ops/loops/resumable.py',
    'custom_ops/losses/unread.py',
    'custom_ops/metrics/confusion.py',
    'custom_ops/metrics/cross_entropy.py',
    'custom_ops/preprocessors/batch.py',
    'custom_ops/preprocessors/batch_transforms.py',
    'custom_ops/transforms/cached.py',
    'custom_ops/transforms/pack.py',
    'custom_ops/transforms/quick.py',
    'custom_ops/transforms/sample.py',
)
"""Sources that shape every run's numbers, beside what they name or import of ``custom_ops``.

Sources that only move bytes or pixels on a screen are not here.
"""

ON_MENTION = {
    'auto_label': ('running/auto_label.py',),
    "'file': '": ('checkpoints.py',),
    "'scenes'": ('running/embedded.py', 'data_sets/scenes.py', 'data_sets/street/*.py'),
}
"""Sources below ``bench`` that shape the numbers of an experiment whose config has these words."""


def config_of(experiment: str, folder: Path, own: Mapping[str, Path]) -> Path:
    """Return the config of an experiment: one of the user's ``own``, or that below ``folder``.

    Raises:
        PlanError: there is none.
    """
    path = own.get(experiment, folder / f'{experiment}.py')
    if not path.exists():
        raise PlanError(f'{experiment} is documented as runnable but {path} does not exist')
    return path


def config_files(path: Path) -> list[Path]:
    """Return ``path`` and every file it reaches through ``_base_``, each once, in reading order."""
    path = path.resolve()
    found = [path]
    for base in _bases(path):
        for file in config_files(path.parent / base):
            if file not in found:
                found.append(file)
    return found


@functools.cache
def _bases(path: Path) -> tuple[str, ...]:
    for node in ast.parse(path.read_text(encoding='utf-8'), str(path)).body:
        if isinstance(node, ast.Assign) and any(isinstance(t, ast.Name) and t.id == '_base_' for t in node.targets):
            value = ast.literal_eval(node.value)
            return (value,) if isinstance(value, str) else tuple(value)
    return ()


@functools.cache
def _registered() -> dict[str, Path]:
    """Return, for each class that ``custom_ops`` registers, the file that defines it."""
    pattern = re.compile(r'^@\w+\.register_module\([^)]*\)\n(?:@.*\n)*class (\w+)', re.MULTILINE)
    return {
        name: file for file in sorted(_OPS.rglob('*.py')) for name in pattern.findall(file.read_text(encoding='utf-8'))
    }


@functools.cache
def _imported(file: Path) -> tuple[Path, ...]:
    """Return the ``custom_ops`` files that ``file`` imports, directly or not, itself first."""
    found = [file]
    waiting = [file]
    while waiting:
        for target in _imports(waiting.pop()):
            if target not in found:
                found.append(target)
                waiting.append(target)
    return tuple(found)


@functools.cache
def _imports(file: Path) -> tuple[Path, ...]:
    found: list[Path] = []
    for node in ast.walk(ast.parse(file.read_text(encoding='utf-8'), str(file))):
        if isinstance(node, ast.Import):
            found += [one for name in node.names for one in _module(name.name, '')]
        elif isinstance(node, ast.ImportFrom):
            package = '.'.join(file.relative_to(_OPS.parent).parent.parts)
            module = importlib.util.resolve_name('.' * node.level + (node.module or ''), package)
            found += [one for name in node.names for one in _module(module, name.name)]
    return tuple(dict.fromkeys(found))


def _module(module: str, name: str) -> list[Path]:
    """Return the file below ``custom_ops`` that ``name`` comes from when it is imported from ``module``, if any.

    A package's own file is passed over: it imports everything, and a key follows what is used alone.
    """
    if module.split('.')[0] != 'custom_ops':
        return []
    base = _OPS.parent.joinpath(*module.split('.'))
    for file in (base.with_suffix('.py'), base / f'{name}.py'):
        if file.exists():
            return [file]
    for node in ast.parse((base / '__init__.py').read_text(encoding='utf-8')).body if base.is_dir() else ():
        if isinstance(node, ast.ImportFrom) and name in {one.asname or one.name for one in node.names}:
            return _module(importlib.util.resolve_name('.' * node.level + (node.module or ''), module), name)
    return []


@functools.cache
def reached(config: Path) -> list[Path]:
    """Return every source file whose text can change the numbers of the experiment at ``config``."""
    files = config_files(config)
    text = ' '.join(file.read_text(encoding='utf-8') for file in files)
    for word, names in ON_MENTION.items():
        if word in text:
            files += [file for name in names for file in sorted(_PACKAGE.glob(name))]
    return list(dict.fromkeys([*files, *_named(files), *_always()]))


@functools.cache
def _always() -> tuple[Path, ...]:
    files = [file for name in ALWAYS if (file := _PACKAGE.parent / name).exists()]
    imported = [one for file in files for one in _imported(file)]
    return tuple(dict.fromkeys([*files, *_named(files), *imported]))


def _named(files: Iterable[Path]) -> list[Path]:
    """Return the files that define the registered classes named in ``files``, and what these import."""
    words = set(re.findall(r"'(\w+)'", ' '.join(file.read_text(encoding='utf-8') for file in files)))
    return [one for name, file in _registered().items() if name in words for one in _imported(file)]


@functools.cache
def _digest(file: Path) -> str:
    return hashlib.sha256(code_of(file.read_text(encoding='utf-8')).encode()).hexdigest()


def code_of(text: str) -> str:
    """Return Python source without docstrings, blank lines and lines that are comments: they change no number."""
    tree = ast.parse(text)
    silent: set[int] = set()
    quoted: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            silent.update(range(node.lineno, (node.end_lineno or node.lineno) + 1))
        elif isinstance(node, (ast.Constant, ast.JoinedStr)) and node.end_lineno != node.lineno:
            quoted.update(range(node.lineno, (node.end_lineno or node.lineno) + 1))
    return '\n'.join(
        line
        for number, line in enumerate(text.splitlines(), start=1)
        if number not in silent and (number in quoted or line.strip()[:1] not in ('', '#'))
    )


@functools.cache
def digests(config: Path) -> tuple[str, ...]:
    """Return the hashes of all sources that the experiment at ``config`` reaches, sorted; see ``code_of``."""
    return tuple(sorted(_digest(file) for file in reached(config)))


@functools.cache
def _listed(config: Path) -> str:
    """Return the end of a list in JSON that has the digests of ``config`` last: thousands of keys ask for it."""
    return ', ' + json.dumps(digests(config))[1:]


def key(run: Run, config: Path, manifest: str, parents: Iterable[str] = ()) -> str:
    """Return the key of a run: equal keys mean that repeating it could only repeat its numbers.

    Composing is pure, so hashing what goes into it (the sources the config reaches, data manifest, size,
    budget, seed, precision) says the same as hashing the resolved config, without importing torch. ``parents`` are
    the keys of the runs that it starts from.
    """
    # By its values: a change of one budget's rule leaves the runs of another as they are.
    rule = budgets.rule(run.budget, run.factor if run.budget == 'short' else None)
    # What a rule becomes for a heavy network only smoke asks.
    spent = _digest(_PACKAGE / 'budgets.py') if run.budget == 'smoke' else repr(rule)
    return _hash(run.experiment, run.variant, run.device.split(':')[0], manifest, spent, *parents, config=config)


def cost_key(experiment: str, config: Path, device: str, precision: str, size: Size | None = None) -> str:
    """Return the key of a timing at the documented size, or at ``size``."""
    timing = [_digest(_PACKAGE / 'running' / name) for name in ('costing.py', 'train_costing.py')]
    place = [device.split(':')[0], precision, *([] if size is None else [f'{size[0]}x{size[1]}'])]
    return _hash(experiment, 'cost', *place, *timing, config=config)


def _hash(*words: str, config: Path) -> str:
    text = json.dumps(words)[:-1] + _listed(config)
    return hashlib.sha256(text.encode()).hexdigest()[:24]
