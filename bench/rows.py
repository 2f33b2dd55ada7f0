"""Strict reading of YAML rows into records: a typing slip names the choices and never becomes a missing number."""

import difflib
from collections.abc import Collection, Hashable, Iterable, Mapping, Sequence
from dataclasses import fields
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from pydantic import ConfigDict, TypeAdapter, ValidationError

from bench.errors import CatalogueError

_STRICT = ConfigDict(extra='forbid', allow_inf_nan=False)


class _Loader(yaml.CSafeLoader):
    """YAML that refuses a repeated key, where the library's own loader keeps the last one."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            if key.value in seen:
                line = key.start_mark.line + 1
                raise CatalogueError(f'line {line}: {key.value!r} occurs twice; every id and key is given once')
            seen.add(key.value)
        return super().construct_mapping(node, deep=deep)


def read(file: Path) -> Any:
    """Return what ``file`` holds.

    Raises:
        CatalogueError: it is not YAML, or a mapping in it has a key twice.
    """
    try:
        return yaml.load(file.read_bytes(), _Loader)
    except CatalogueError as error:
        raise CatalogueError(f'{file.name}: {error}') from None
    except yaml.YAMLError as error:
        raise CatalogueError(f'{file.name}: not YAML: {" ".join(str(error).split())}') from error


def record(kind: type, values: Mapping[str, Any], where: str, nested: Mapping[str, type] | None = None) -> Any:
    """Return ``values`` as a ``kind``, a dataclass; ``nested`` names the records that keys of it hold lists of.

    Raises:
        CatalogueError: a key is unknown or missing, or a value has the wrong type; starts with ``where``.
    """
    try:
        return _adapter(kind).validate_python((values,))[0]
    except ValidationError as error:
        details = error.errors(include_url=False)
        # A misspelt key shows up twice, as unknown and as missing; the unknown one carries the typing slip.
        detail = next((d for d in details if d['type'] == 'unexpected_keyword_argument'), details[0])
        path = detail['loc'][1:]
        key = '.'.join(str(step) for step in path)
        if detail['type'] == 'unexpected_keyword_argument':
            inner = (nested or {})[str(path[0])] if len(path) > 1 else kind
            raise CatalogueError(f'{where}: unknown key {key!r}{hint(str(path[-1]), keys(inner))}') from None
        value = '' if detail['type'] == 'missing' else f', not {detail["input"]!r}'
        raise CatalogueError(f'{where}: {key!r}: {detail["msg"].lower()}{value}') from None


def keys(kind: type) -> list[str]:
    """Return the keys that a row of ``kind`` may have; its ``id`` is the key of the row."""
    return [field.name for field in fields(kind) if field.name != 'id']


def require(holds: bool, file: str, row: str, rule: str) -> None:
    """Raise ``CatalogueError`` with ``rule`` unless it holds."""
    if not holds:
        raise CatalogueError(f'{file}, {row}: {rule}')


def require_text(one: Any, names: Sequence[str], file: str, row: str) -> None:
    """Raise ``CatalogueError`` where one of the ``names`` of a record is an empty text."""
    for name in names:
        require(bool(getattr(one, name).strip()), file, row, f'{name!r} is empty')


def require_known(name: str, known: Collection[str], file: str, row: str, rule: str) -> None:
    """Raise ``CatalogueError`` with ``rule``, and what is near ``name``, unless it is among the ``known``."""
    if name not in known:
        # Sought only now: it takes longer than all the rest of a catalogue's checks.
        require(False, file, row, f'{rule}{hint(name, known)}')


def hint(name: str, known: Iterable[str]) -> str:
    """Return the end of an error text: what is near ``name``, or else what there is."""
    known = list(known)
    near = difflib.get_close_matches(name, known, n=3, cutoff=0.5)
    return f'; did you mean {", ".join(near)}?' if near else f'; choose from {", ".join(known[:20])}'


@cache
def _adapter(kind: type) -> TypeAdapter:
    # Wrapped in a tuple because a bare dataclass brings its own configuration, which would allow unknown keys.
    return TypeAdapter(tuple[kind], config=_STRICT)  # type: ignore[valid-type]
