"""Models of the user's own: mmseg configs, with or without checkpoints, made experiments like the documented ones."""

import ast
import hashlib
import importlib.metadata
import importlib.util
import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from bench import sources, store
from bench.errors import BenchError, PlanError
from bench.experiments import Catalogue, Experiment
from bench.own.translate import Target

SLUG = 'own'
_READS_ON = re.compile(r'^\s*(?:import|from)\s|__import__|\bopen\(|\{\{\s*\$', re.MULTILINE)
"""What a config has that takes values from elsewhere, the environment say: it may say something else each time."""

_EVERYWHERE = re.compile(r'(iter|epoch)_\d+|last|latest|best.*|weights')
"""Names that a checkpoint has in every folder of the toolbox and of ours: such a one is told by its folder."""

_TRANSLATORS = (
    'own/translate.py',
    'own/heads.py',
    'own/views.py',
    'own/windows.py',
    'own/fitting.py',
    'checkpoints.py',
)


@dataclass(frozen=True)
class OwnModel:
    """A config file, trained, or evaluated with the weights of ``checkpoint``; ``id`` is ``own/<name>``."""

    id: str
    config: Path
    checkpoint: Path | None = None


@dataclass(frozen=True)
class Prepared:
    """Experiments made of own models: their ``configs`` by id, and ``notes`` on how each was read."""

    models: tuple[OwnModel, ...]
    configs: Mapping[str, Path]
    notes: Mapping[str, Sequence[str]]

    def join(self, known: Catalogue) -> Catalogue:
        """Return ``known`` with a row for each model; nothing is documented of them."""
        rows = {one.id: _row(one) for one in self.models}
        return replace(known, experiments={**known.experiments, **rows})


NONE = Prepared((), {}, {})
Translate = Callable[[OwnModel, Target, str], str]
"""Makes the text of an experiment; its last argument is the checkpoint's file name beside it, empty for none."""


def named(configs: Sequence[Path], checkpoints: Sequence[Path] = ()) -> tuple[OwnModel, ...]:
    """Return a model for each config, with a valid id of its own.

    Trained, its name is that of its config; evaluated, ``<config>__<checkpoint>``, so that neither replaces the other.
    Names that coincide take in the folders' names, and so does a checkpoint's that it shares with most others.

    Raises:
        PlanError: a file is missing, no Python file, or given twice, or there are more checkpoints or fewer.
    """
    if checkpoints and len(checkpoints) != len(configs):
        raise PlanError(
            f'--checkpoint names {len(checkpoints)} files, --config {len(configs)}: give one for each config, in order'
        )
    for path in (*configs, *checkpoints):
        if not path.is_file():
            raise PlanError(f'no file {path}')
    wrong = next((path for path in configs if path.suffix != '.py'), None)
    if wrong is not None:
        raise PlanError(f'--config {wrong}: a text config is a .py file')
    weights: Sequence[Path | None] = checkpoints or [None] * len(configs)
    pairs = list(zip(configs, weights, strict=True))
    names = _unique([(config.resolve(), checkpoint and checkpoint.resolve()) for config, checkpoint in pairs])
    return tuple(
        OwnModel(f'{SLUG}/{name}', config, checkpoint) for name, (config, checkpoint) in zip(names, pairs, strict=True)
    )


def _unique(pairs: Sequence[tuple[Path, Path | None]]) -> list[str]:
    twice = next((pair for pair in pairs if pairs.count(pair) > 1), None)
    if twice is not None:
        raise PlanError(f'--config {twice[0]} is given twice{" with the same checkpoint" if twice[1] else ""}')
    names = [_name(*pair, 1) for pair in pairs]
    depth = 1
    while len(set(names)) < len(names):
        depth += 1
        names = [
            name if names.count(name) == 1 else _name(*pair, depth) for name, pair in zip(names, pairs, strict=True)
        ]
        if depth > 64:
            raise PlanError(f'--config: give these files names that differ in a letter or digit: {sorted(names)}')
    return names


def _name(config: Path, checkpoint: Path | None, depth: int) -> str:
    name = _valid('_'.join(config.with_suffix('').parts[-depth:]))
    if checkpoint is None:
        return name
    parts = checkpoint.with_suffix('').parts
    if _EVERYWHERE.fullmatch(parts[-1]):
        # Ours lie in <experiment>/<data set, size, budget and seed>/training.
        depth = max(depth, 4 if parts[-2] == 'training' else 2)
    return f'{name}__{_valid("_".join(parts[-depth:]))}'


def _valid(text: str) -> str:
    """Return ``text`` in lower case letters, digits and single underscores, a letter first."""
    kept = re.sub('[^a-z0-9]+', '_', text.lower()).strip('_')
    return kept if kept[:1].isalpha() else f'm_{kept}'.strip('_')


def _row(model: OwnModel) -> Experiment:
    how = f'evaluated with {model.checkpoint.name}' if model.checkpoint else 'trained'
    reason = 'a model of your own: nothing is documented of it'
    return Experiment(model.id, f'{model.config.name}, {how}', '-', 'R', reason=reason)


def prepare(models: Sequence[OwnModel], target: Target, cache: Path, translate: Translate) -> Prepared:
    """Write the experiment of every model below ``cache``; one that is there already is not made again.

    Raises:
        PlanError: models that cannot run, each with its reason.
    """
    configs: dict[str, Path] = {}
    notes: dict[str, list[str]] = {}
    failed: dict[str, str] = {}
    for model in models:
        try:
            configs[model.id], notes[model.id] = _experiment(model, target, cache, translate)
        except BenchError as error:
            failed[model.id] = f'{model.config}: {error}'
    if failed:
        raise PlanError('\n'.join([f'{len(failed)} of {len(models)} configs cannot be run', *failed.values()]))
    return Prepared(tuple(models), configs, notes)


def _experiment(model: OwnModel, target: Target, cache: Path, translate: Translate) -> tuple[Path, list[str]]:
    of_config = [file.read_text(encoding='utf-8') for file in _files(model.config)]
    texts = of_config + [(Path(__file__).parents[1] / name).read_text(encoding='utf-8') for name in _TRANSLATORS]
    weights = '' if model.checkpoint is None else _sha256(model.checkpoint)
    about = [repr(target), weights, model.id, importlib.metadata.version('onedl-mmsegmentation')]
    file = f'{weights}.pth' if weights else ''
    reads_on = any(_READS_ON.search(text) for text in of_config)
    said = translate(model, target, file) if reads_on else ''
    digest = hashlib.sha256(json.dumps([*texts, *about, said]).encode()).hexdigest()[:24]
    translated = cache / 'own_models' / digest / 'translated.py'
    if not translated.exists():
        store.write_atomically(translated, said if reads_on else translate(model, target, file))
    text = translated.read_text(encoding='utf-8')
    # What a config imports decides its numbers as well, and is not in its text.
    imported = {name: _hash_of(files) for name, files in _imports(text)}
    path = translated.with_name(f'{model.id.split("/")[1]}.py')
    store.write_atomically(path, f'{text}imported = {imported!r}\n')
    if model.checkpoint is not None:
        _link(path.with_name(file), model.checkpoint)
    return path, (ast.get_docstring(ast.parse(text)) or '').splitlines()[2:]


def _files(config: Path) -> list[Path]:
    try:
        return sources.config_files(config)
    except FileNotFoundError as error:
        raise PlanError(f'its _base_ {_shown(error.filename)} does not exist{_shipped(error.filename)}') from None
    except SyntaxError as error:
        raise PlanError(f'is no Python: {error.msg}, line {error.lineno} of {_shown(error.filename)}') from None
    except (ValueError, UnicodeDecodeError) as error:
        raise PlanError(f'_base_ must be text, or a list of texts ({error})') from None


def _shown(path: str | None) -> str:
    named_by_package = re.search(r'\w+::.*', str(path))
    return named_by_package[0] if named_by_package else str(path)


def _shipped(path: str | None) -> str:
    """Say where a base that is named by its package lies."""
    if '::' not in str(path):
        return ''
    spec = importlib.util.find_spec('mmseg')
    folder = Path(spec.origin).parent / '.mim' / 'configs' if spec and spec.origin else Path('mmseg/.mim/configs')
    return f': write the path itself instead of <package>::; those of mmseg are in {folder}'


def _imports(text: str) -> Iterable[tuple[str, list[Path]]]:
    for node in ast.parse(text).body:
        if isinstance(node, ast.Assign) and getattr(node.targets[0], 'id', '') == 'custom_imports':
            names = ast.literal_eval(node.value).get('imports', [])
            yield from ((name, _sources_of(name)) for name in ([names] if isinstance(names, str) else names))


def _sources_of(module: str) -> list[Path]:
    """Return the files of a module or package, found without importing it."""
    top, *rest = module.split('.')
    spec = importlib.util.find_spec(top)
    if spec is None:
        return []
    if not spec.submodule_search_locations:
        return [Path(spec.origin)] if spec.origin else []
    place = Path(next(iter(spec.submodule_search_locations)), *rest)
    return sorted(place.rglob('*.py')) if place.is_dir() else [place.with_suffix('.py')]


def _hash_of(files: Iterable[Path]) -> str:
    return hashlib.sha256(b'\0'.join(file.read_bytes() for file in files if file.is_file())).hexdigest()[:24]


def _sha256(path: Path) -> str:
    with path.open('rb') as file:
        return hashlib.file_digest(file, 'sha256').hexdigest()


def _link(link: Path, checkpoint: Path) -> None:
    link.unlink(missing_ok=True)
    link.symlink_to(checkpoint.resolve())
