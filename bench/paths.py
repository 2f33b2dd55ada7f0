"""Where the harness's own files are: in a checkout, or in an installed copy."""

from pathlib import Path

from bench.errors import BenchError

_PACKAGE = Path(__file__).resolve().parent


def repo_root() -> Path | None:
    """Return the checkout that this package runs from, or None for an installed copy."""
    root = _PACKAGE.parent
    return root if (root / 'reports' / 'documented').is_dir() and (root / 'configs').is_dir() else None


def configs_dir() -> Path:
    """Return the folder of the experiments' configs, ``<report>/<name>.py`` below it."""
    return _resource('configs', 'configs')


def documented_dir() -> Path:
    """Return the folder of the documented rows, one YAML file a report."""
    return _resource('reports/documented', 'documented')


def _resource(in_checkout: str, installed: str) -> Path:
    root = repo_root()
    path = _PACKAGE / '_data' / installed if root is None else root / in_checkout
    if not path.is_dir():
        raise BenchError(f'{path} is missing: it comes with a checkout, or with the installed package; install again')
    return path
