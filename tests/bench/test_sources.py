from dataclasses import replace
from pathlib import Path

import pytest

from bench import budgets, sources
from bench.records import Run

RUN = Run('fake/net', 'scenes', (96, 192), 'smoke', 0.0, 0)

REACHED = ('nets/used', 'nets/block', 'nets/beside', 'other/above', 'other/module', 'parts/gate', 'hooks/named')
"""Modules of ``benchmark_folder`` that its leaf reaches, one by each way of importing; the last one by ``compose``."""

CACHED = [one for one in vars(sources).values() if hasattr(one, 'cache_clear')]


@pytest.fixture
def benchmark_folder(tmp_path):
    """A leaf config, its base, and an operator package of two modules of which the leaf reaches one."""
    ops = tmp_path / 'custom_ops'
    (ops / 'nets').mkdir(parents=True)
    (ops / 'nets' / 'used.py').write_text(
        'from custom_ops.nets.block import Block\n\n\n@MODELS.register_module()\nclass UsedNet:\n    pass\n'
    )
    (ops / 'nets' / 'block.py').write_text('from .beside import (\n    beside,\n)\nfrom ..other.above import above\n')
    (ops / 'nets' / 'beside.py').write_text(
        'from custom_ops.other import module\nfrom . import block\nfrom custom_ops.parts import Gate\n'
    )
    for name in ('parts', 'hooks'):
        (ops / name).mkdir()
    (ops / 'parts' / '__init__.py').write_text('from .gate import Gate\nfrom .unused import Other\n')
    (ops / 'parts' / 'gate.py').write_text('class Gate:\n    pass\n')
    (ops / 'parts' / 'unused.py').write_text('class Other:\n    pass\n')
    (ops / 'hooks' / 'named.py').write_text('@HOOKS.register_module()\nclass NamedHook:\n    pass\n')
    (tmp_path / 'bench').mkdir()
    (tmp_path / 'bench' / 'compose.py').write_text("HOOKS = [dict(type='NamedHook')]\n")
    (tmp_path / 'bench' / 'budgets.py').write_text('')
    (ops / 'other').mkdir()
    for name in ('above', 'module'):
        (ops / 'other' / f'{name}.py').write_text(f'{name} = 1\n')
    (ops / 'nets' / 'unused.py').write_text('@MODELS.register_module()\nclass UnusedNet:\n    pass\n')
    (tmp_path / 'base.py').write_text("model = dict(type='UsedNet')\n")
    (tmp_path / 'net.py').write_text("_base_ = ['base.py']\noptimizer = dict(type='Adam')\n")
    return tmp_path


@pytest.fixture
def key(benchmark_folder, monkeypatch):
    monkeypatch.setattr(sources, '_OPS', benchmark_folder / 'custom_ops')
    monkeypatch.setattr(sources, '_PACKAGE', benchmark_folder / 'bench')

    def made(run=RUN, manifest='m'):
        for cached in CACHED:
            cached.cache_clear()
        return sources.key(run, benchmark_folder / 'net.py', manifest)

    yield made
    for cached in CACHED:
        cached.cache_clear()


@pytest.mark.parametrize('file', ['net.py', 'base.py', *(f'custom_ops/{name}.py' for name in REACHED)])
def test_the_key_follows_every_source_that_the_config_reaches(key, benchmark_folder, file):
    before = key()
    path = benchmark_folder / file
    path.write_text(path.read_text() + '\nchanged = True\n')
    assert key() != before


def test_the_key_ignores_what_is_only_said(key, benchmark_folder):
    before = key()
    path = benchmark_folder / 'net.py'
    path.write_text('"""Says what it is."""\n\n# And why.\n' + path.read_text() + '\n')
    assert key() == before


def test_code_keeps_every_line_of_a_text_that_is_a_value():
    value = "text = '''a\n# part of it\n\nb'''"
    assert sources.code_of(f'"""About."""\n# why\n{value}\nx = 1  # kept\n') == f'{value}\nx = 1  # kept'
    assert sources.code_of('def f():\n    """Say."""\n    return 1\n') == 'def f():\n    return 1'


def test_the_key_ignores_a_module_that_the_config_does_not_name(key, benchmark_folder):
    before = key()
    for name in ('nets/unused', 'parts/unused'):
        (benchmark_folder / f'custom_ops/{name}.py').write_text('# gone\n')
    assert key() == before


@pytest.mark.parametrize(
    'other',
    [
        Run('fake/net', 'scenes', (96, 192), 'smoke', 0.0, 1),
        Run('fake/net', 'scenes', (96, 128), 'smoke', 0.0, 0),
        Run('fake/net', 'scenes', (96, 192), 'short', 0.1, 0),
        Run('fake/net', 'scenes', (96, 192), 'smoke', 0.0, 0, 'bf16'),
        Run('fake/net', 'scenes', (96, 192), 'smoke', 0.0, 0, device='cuda'),
    ],
)
def test_the_key_follows_seed_size_budget_precision_and_device(key, other):
    assert key(other) != key()


def test_another_budgets_rule_does_not_touch_the_key(key, monkeypatch):
    short = Run('fake/net', 'scenes', (96, 192), 'short', 0.1, 0)
    before = key(short), key(replace(short, factor=0.2))
    changed = {name: replace(rule, min_steps=17) for name, rule in budgets._RULES.items()}
    monkeypatch.setattr(budgets, '_RULES', {**budgets._RULES, 'smoke': changed['smoke'], 'full': changed['full']})
    assert (key(short), key(replace(short, factor=0.2))) == before
    monkeypatch.setattr(budgets, '_RULES', changed)
    assert len({*before, key(short), key(replace(short, factor=0.2))}) == 4


def test_the_key_follows_the_data(key):
    assert key(manifest='n') != key()


def test_every_module_that_carries_runs_out_is_named_or_changes_no_number():
    silent = {'__init__', 'attempt', 'attention', 'panels'}
    timing_alone = {'costing', 'train_costing'}
    named = [*sources.ALWAYS, *(f'bench/{name}' for names in sources.ON_MENTION.values() for name in names)]
    modules = {path.stem for path in Path(sources.__file__).with_name('running').glob('*.py')}
    assert modules == silent | timing_alone | {Path(name).stem for name in named if '/running/' in name}


def test_every_source_named_by_hand_exists():
    root = Path(sources.__file__).resolve().parent.parent
    assert [name for name in sources.ALWAYS if not (root / name).exists()] == []
