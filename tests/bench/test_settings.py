from dataclasses import replace

import pytest

from bench.records import Receipt
from bench.settings import Setting, setting_of

SHORT = Setting('camvid', (120, 160), 'short', 0.1, 'fp32')


def test_the_most_telling_setting_comes_first():
    full = replace(SHORT, size=(60, 80), budget='full', factor=None)
    smoke = replace(SHORT, size=(360, 480), budget='smoke', factor=None)
    longer = replace(SHORT, factor=0.2)
    larger = replace(SHORT, size=(180, 240))
    ranked = [full, longer, larger, SHORT, smoke]
    assert sorted([smoke, SHORT, larger, full, longer], key=lambda one: one.order) == ranked


@pytest.mark.parametrize(
    ('changes', 'label', 'slug'),
    [
        ({}, 'camvid 120x160, short x0.1', 'camvid-120x160-short-x0.1'),
        ({'budget': 'full', 'factor': None, 'size': None}, 'camvid, full', 'camvid-full'),
        (
            {'precision': 'bf16', 'switches': ('compile', 'no-fused')},
            'camvid 120x160, short x0.1, bf16, compile, no-fused',
            'camvid-120x160-short-x0.1-bf16-compile-no-fused',
        ),
    ],
)
def test_a_setting_is_named_by_all_that_its_runs_share(changes, label, slug):
    setting = replace(SHORT, **changes)
    assert (setting.label, setting.slug) == (label, slug)


def made(**changes):
    values = {'schema_version': 1, 'id': 'r/a/x', 'report': 'r', 'experiment': 'r/a', 'dataset': 'camvid',
              'budget': 'short', 'seed': 0, 'status': 'ok', 'reason': '', 'key': 'k',
              'factor': 0.1, 'size': (120, 160)}  # fmt: skip
    return setting_of(Receipt(**{**values, **changes}))


def test_runs_of_one_setting_differ_in_experiment_and_seed_alone():
    assert made() == made(experiment='r/b', id='r/b/x', seed=3) == SHORT
    assert (
        len({made(), made(precision='bf16'), made(switches=('compile',)), made(size=(60, 80)), made(factor=0.2)}) == 5
    )
    assert made(budget='full').factor is None
