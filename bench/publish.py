"""Copy finished runs to where published ones are kept, without what belongs to the machine they ran on."""

import ast
import json
import pprint
import re
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from bench import store
from bench.errors import StoreError
from bench.records import Receipt

_UNFINISHED = frozenset({'interrupted', 'skipped'})
_AS_THEY_ARE = (store.MATRICES, 'curves.csv', 'lr_range.csv')
_PARTS = re.compile(r'[^/\\]+')
# At least two parts, and not the tail of a relative path or of a URL.
_ABSOLUTE = re.compile(r'(?<![\w./:])(?:[A-Za-z]:)?(?:[/\\][\w.+@~-]+){2,}[/\\]?')


def publish(stored: Iterable[tuple[Path, Receipt]], results: Path, measured: Path) -> list[str]:
    """Copy every finished run of ``results`` to the same place below ``measured``; return their ids.

    Copied: receipt, confusion matrices, curves, rate sweeps, the resolved config, and panels where the receipt says
    that the data set is redistributable. In texts the data set's folder becomes ``DATA_ROOT``, the results folder
    ``RESULTS``, any other absolute path ``ELSEWHERE/<name>``.

    Raises:
        StoreError: ``measured`` cannot be written to.
    """
    copied = []
    for folder, receipt in stored:
        if receipt.status in _UNFINISHED:
            continue
        try:
            _copy(folder, receipt, results, measured / folder.relative_to(results))
        except OSError as error:
            raise StoreError(f'cannot publish {folder} to {measured}: {error.strerror or error}') from error
        copied.append(receipt.id)
    return copied


def publish_timings(results: Path, measured: Path) -> list[Path]:
    """Copy what ``run_all --cost`` measured, which holds no path, as ``publish`` copies runs; return the copies.

    Raises:
        StoreError: ``measured`` cannot be written to.
    """
    copied = []
    for timing in store.read_timings(results):
        source = Path(timing['file'])
        target = measured / source.relative_to(results)
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, target)
        except OSError as error:
            raise StoreError(f'cannot publish {source} to {measured}: {error.strerror or error}') from error
        copied.append(target)
    return copied


def without_paths(value: Any, roots: Mapping[str, str]) -> Any:
    """Return ``value`` (nested dicts, lists, strings) with every absolute path replaced.

    ``roots`` maps a folder to the name that stands for it; the longest folder that fits is taken.
    """
    if isinstance(value, dict):
        return {key: without_paths(item, roots) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(without_paths(item, roots) for item in value)
    if not isinstance(value, str):
        return value
    for root in sorted(roots, key=len, reverse=True):
        # Split and join, because a replacement string would read backslashes as groups.
        value = roots[root].join(re.split(rf'(?<![\w./:]){re.escape(root)}(?![\w.-])', value))
    return _ABSOLUTE.sub(lambda path: f'ELSEWHERE/{_PARTS.findall(path[0])[-1]}', value)


def _copy(folder: Path, receipt: Receipt, results: Path, target: Path) -> None:
    config = _read_config(folder / 'config.py')
    roots = {str(results): 'RESULTS', str(results.resolve()): 'RESULTS'}
    roots |= {root: 'DATA_ROOT' for root in _data_roots(config)}
    target.mkdir(parents=True, exist_ok=True)
    text = json.dumps(without_paths(asdict(receipt), roots), indent=1, allow_nan=False)
    for name in _AS_THEY_ARE:
        if (folder / name).is_file():
            shutil.copyfile(folder / name, target / name)
    if config:
        lines = (f'{key} = {_literal(value)}\n' for key, value in without_paths(config, roots).items())
        (target / 'config.py').write_text(''.join(lines), encoding='utf-8')
    if (receipt.data or {}).get('redistributable') is True and (folder / 'panels').is_dir():
        shutil.copytree(folder / 'panels', target / 'panels', dirs_exist_ok=True)
    # Last, so that a copy with a receipt is a whole one.
    (target / 'receipt.json').write_text(text + '\n', encoding='utf-8')


def _read_config(path: Path) -> dict[str, Any]:
    """Return the assignments of a resolved config, which is made of literals; it is parsed, never run."""
    try:
        tree = ast.parse(path.read_text(encoding='utf-8'))
        return {node.targets[0].id: ast.literal_eval(node.value) for node in tree.body}  # type: ignore[attr-defined]
    except FileNotFoundError:
        return {}
    except (AttributeError, SyntaxError, ValueError) as error:
        raise StoreError(f'{path} is not a resolved config, a list of `name = literal`: {error}') from error


def _data_roots(value: Any) -> set[str]:
    if isinstance(value, dict):
        own = {item for key, item in value.items() if key == 'data_root' and isinstance(item, str) and item}
        return own.union(*(_data_roots(item) for item in value.values()))
    if isinstance(value, (list, tuple)):
        return set().union(*(_data_roots(item) for item in value))
    return set()


def _literal(value: Any) -> str:
    return pprint.pformat(value, width=110, sort_dicts=False)
