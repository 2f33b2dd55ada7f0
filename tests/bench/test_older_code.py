from pathlib import Path

import pytest

from bench import older_code, sources
from bench.experiments import Experiment
from bench.records import Receipt, Run

MANIFEST = 'm' * 64


@pytest.fixture
def configs(tmp_path):
    (tmp_path / 'toy').mkdir()
    for name in ('base', 'child'):
        (tmp_path / 'toy' / f'{name}.py').write_text(f'model = {name!r}\n')
    return tmp_path


EXPERIMENTS = {
    'toy/base': Experiment('toy/base', 'Base', '1', 'R'),
    'toy/child': Experiment('toy/child', 'Child', '1', 'R', parents=('toy/base',)),
}


def stored(name: str, key: str, **changes) -> tuple[Path, Receipt]:
    run = Run(name, 'camvid', (96, 128), 'short', 0.1, 0)
    values = {
        'factor': 0.1,
        'size': [96, 128],
        'data': {'manifest': MANIFEST},
        'environment': {'device': 'cpu'},
        **changes,
    }
    return Path(name), Receipt(1, run.folder, 'toy', name, 'camvid', 'short', 0, 'ok', '', key, **values)


def present(configs: Path) -> tuple[str, str]:
    """Return the keys that a campaign would give to the two runs."""
    base = Run('toy/base', 'camvid', (96, 128), 'short', 0.1, 0)
    child = Run('toy/child', 'camvid', (96, 128), 'short', 0.1, 0)
    first = sources.key(base, configs / 'toy' / 'base.py', MANIFEST)
    return first, sources.key(child, configs / 'toy' / 'child.py', MANIFEST, [first])


def test_runs_of_the_present_sources_are_not_older(configs):
    base, child = present(configs)
    runs = [stored('toy/base', base), stored('toy/child', child)]
    assert older_code.older_runs(runs, EXPERIMENTS, configs) == frozenset()


def test_another_key_is_older(configs):
    runs = [stored('toy/base', 'other')]
    assert older_code.older_runs(runs, EXPERIMENTS, configs) == {runs[0][1].id}


def test_a_child_is_judged_by_the_present_key_of_its_parent(configs):
    """A child made from an older parent has an older key itself; one made now is not older for a stale parent here."""
    _, child = present(configs)
    runs = [stored('toy/base', 'other'), stored('toy/child', child)]
    assert older_code.older_runs(runs, EXPERIMENTS, configs) == {runs[0][1].id}


@pytest.mark.parametrize('changes', [{'data': None}, {'size': None}])
def test_where_nothing_can_be_said_nothing_is(configs, changes):
    assert older_code.older_runs([stored('toy/base', 'other', **changes)], EXPERIMENTS, configs) == frozenset()


def test_without_config_parent_or_row_nothing_is_said(configs):
    assert older_code.older_runs([stored('toy/child', 'other')], EXPERIMENTS, configs) == frozenset()
    assert older_code.older_runs([stored('toy/base', 'other')], {}, configs) == frozenset()
    assert older_code.older_runs([stored('toy/base', 'other')], EXPERIMENTS, configs / 'none') == frozenset()
