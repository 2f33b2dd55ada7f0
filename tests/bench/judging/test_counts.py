import json
import subprocess
import sys

import pytest

from bench import catalogue, paths
from bench.errors import BenchError
from bench.judging import counts

EXPERIMENT = 'kitti_ablation/baseline'
CONFIG = paths.configs_dir() / f'{EXPERIMENT}.py'


@pytest.fixture
def counted(monkeypatch):
    """Replace the child process by a list of what it was asked to count."""
    asked = []

    def count(configs):
        asked.append([config.stem for config in configs])
        return [{'cost': {'flops': 1.0}} for _ in configs]

    monkeypatch.setattr(counts, '_count_in_child', count)
    return asked


@pytest.fixture
def configs(tmp_path):
    files = {}
    for name in ('a', 'b'):
        files[f'toy/{name}'] = tmp_path / f'{name}.py'
        files[f'toy/{name}'].write_text(f"model = dict(type='ENet', name='{name}')\n")
    return files


def test_only_what_changed_is_counted_again(tmp_path, configs, counted):
    table = tmp_path / 'counts.json'
    counts.refresh(table, configs)
    counts.refresh(table, configs)
    configs['toy/b'].write_text('model = dict()\n')
    assert counts.stale(counts.read(table), configs) == ['toy/b']
    counts.refresh(table, configs)
    assert counted == [['a', 'b'], [], ['b']]
    assert counts.stale(counts.read(table), configs) == []


def test_an_unchanged_table_is_not_written_again(tmp_path, configs, counted):
    table = tmp_path / 'counts.json'
    counts.refresh(table, configs)
    before = table.stat().st_mtime_ns
    assert counts.refresh(table, configs) == counts.read(table)
    assert table.stat().st_mtime_ns == before
    del configs['toy/a']
    assert list(counts.refresh(table, configs)) == list(counts.read(table)) == ['toy/b']


def test_what_costs_nothing_does_not_change_a_key(configs, monkeypatch, tmp_path):
    config = configs['toy/a']
    before = counts.key('toy/a', config)
    reached = counts.sources.reached(config)
    root = paths.repo_root()
    free = [*(root / 'custom_ops' / 'losses').glob('*.py'), root / 'bench' / 'running' / 'protocol.py']
    monkeypatch.setattr(counts.sources, 'reached', lambda _: [*reached, *free])
    assert counts.key('toy/a', config) == before
    head = next((paths.repo_root() / 'custom_ops' / 'heads').glob('[a-z]*.py'))
    monkeypatch.setattr(counts.sources, 'reached', lambda _: [*reached, head])
    assert counts.key('toy/a', config) != before
    assert counts.key('toy/b', config) != before


def test_a_network_that_cannot_be_counted_is_named(tmp_path, configs, monkeypatch):
    monkeypatch.setattr(counts, '_count_in_child', lambda configs: ['ValueError: no head' for _ in configs])
    with pytest.raises(BenchError, match='toy/a: the network cannot be counted: ValueError: no head'):
        counts.refresh(tmp_path / 'counts.json', configs)


def test_a_broken_table_is_named_and_none_is_empty(tmp_path):
    assert counts.read(tmp_path / 'counts.json') == {}
    (tmp_path / 'counts.json').write_text('{')
    with pytest.raises(BenchError, match=r'counts.json is not JSON .*; delete it, it is counted again'):
        counts.read(tmp_path / 'counts.json')
    (tmp_path / 'counts.json').write_text('[]')
    with pytest.raises(BenchError, match=r'counts.json holds a list; it must map experiments to counts'):
        counts.read(tmp_path / 'counts.json')


def test_a_network_is_counted_in_another_process(tmp_path):
    """The command that asks never loads torch."""
    table = tmp_path / 'counts.json'
    program = (
        'import sys; from pathlib import Path; from bench.judging import counts\n'
        "if __name__ == '__main__':\n"
        f'    counts.refresh(Path({str(table)!r}), {{{EXPERIMENT!r}: Path({str(CONFIG)!r})}})\n'
        "    sys.exit('torch' in sys.modules)\n"
    )
    (tmp_path / 'program.py').write_text(program)
    subprocess.run([sys.executable, tmp_path / 'program.py'], check=True)
    row = json.loads(table.read_text())[EXPERIMENT]
    assert row['cost']['params'] == 15_279_747
    assert row['cost']['flops'] == pytest.approx(133.87e9, rel=1e-4)
    assert row['documented'] == {'dataset': 'kitti', 'short_side': 256, 'epochs': 180}


def test_experiments_without_a_config_are_left_out():
    found = counts.configs_of({EXPERIMENT: None, 'unet_phases/phase_7_2': None}, paths.configs_dir())
    assert found == {EXPERIMENT: CONFIG}


def test_the_published_table_is_that_of_the_sources():
    """Where this fails, ``counts.refresh`` on the same arguments brings the table up to date."""
    known = catalogue.load(paths.documented_dir()).experiments
    configs = counts.configs_of(known, paths.configs_dir())
    table = counts.read(paths.documented_dir() / counts.FILE)
    assert len(configs) > 80
    assert counts.stale(table, configs) == []
    assert set(table) == set(configs)
    assert all(row['documented']['epochs'] > 0 for row in table.values())
