import pytest

from bench import paths
from bench.errors import BenchError


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """A copy of the package outside a checkout."""
    monkeypatch.setattr(paths, '_PACKAGE', tmp_path / 'bench')
    return tmp_path / 'bench'


def test_a_checkout_uses_its_own_folders():
    root = paths.repo_root()
    assert root is not None
    assert paths.configs_dir() == root / 'configs'
    assert paths.documented_dir() == root / 'reports' / 'documented'


def test_an_installed_copy_uses_its_package_data(installed):
    for name in ('configs', 'documented'):
        (installed / '_data' / name).mkdir(parents=True)
    assert paths.repo_root() is None
    assert paths.configs_dir() == installed / '_data' / 'configs'
    assert paths.documented_dir() == installed / '_data' / 'documented'


def test_missing_package_data_is_named(installed):
    with pytest.raises(BenchError, match=r'_data.configs is missing'):
        paths.configs_dir()
