import random
from pathlib import Path

import pytest

from bench.render import gather


def stored(*receipts):
    return [(Path(receipt.id), receipt) for receipt in receipts]


def test_every_catalogue_row_appears_even_when_nothing_ran(catalogue):
    rows = gather.rows([], catalogue)
    assert [row.experiment for row in rows] == list(catalogue.experiments)
    assert {row.status for row in rows} == {'not run'}
    assert rows[2].reason == 'never measured'


def test_seeds_share_a_row_and_settings_do_not(catalogue, receipt):
    rows = gather.rows(
        stored(
            receipt('toy/base', 44.0, seed=1),
            receipt('toy/base', 3.0, budget='smoke'),
            receipt('toy/base', 40.0, seed=0),
            receipt('toy/base', 60.0, budget='full'),
        ),
        catalogue,
    )
    own = [row for row in rows if row.experiment == 'toy/base']
    assert [row.setting.budget for row in own] == ['full', 'short', 'smoke']
    spread = own[1].spread('metrics', 'miou')
    assert spread.values == (40.0, 44.0)
    assert spread.mean == 42.0
    assert spread.deviation == pytest.approx(8**0.5)


def test_one_value_has_no_deviation_and_none_has_no_mean():
    assert gather.Spread((3.0,)).deviation is None
    assert gather.Spread(()).mean is None


def test_the_order_of_the_receipts_does_not_matter(catalogue, receipt):
    runs = stored(*(receipt(f'toy/{name}', 40.0, seed) for name in ('base', 'wide', 'new') for seed in range(3)))
    shuffled = random.Random(0).sample(runs, len(runs))
    assert gather.rows(shuffled, catalogue) == gather.rows(runs, catalogue)


def test_an_experiment_unknown_to_the_catalogue_comes_last(catalogue, receipt):
    rows = gather.rows(stored(receipt('mine/net'), receipt('toy/new')), catalogue)
    assert [row.experiment for row in rows][-2:] == ['mine/net', 'toy/new']
    assert rows[-1].documented is None
    assert gather.reports_of(rows) == ['toy', 'mine']


def test_a_report_of_which_nothing_ran_comes_last(catalogue, receipt):
    assert gather.reports_of(gather.rows(stored(receipt('mine/net')), catalogue)) == ['mine', 'toy']
    assert gather.reports_of(gather.rows([], catalogue)) == ['toy']


def test_a_failed_seed_shows_beside_the_others_and_counts_for_nothing(catalogue, receipt):
    [row, *_] = gather.rows(stored(receipt('toy/base', 40.0), receipt('toy/base', None, seed=1)), catalogue)
    assert row.status == '1 ok, 1 oom'
    assert row.reason == 'seed 1: out of memory'
    assert row.spread('metrics', 'miou').values == (40.0,)


def test_a_failed_run_has_no_scores_even_where_its_receipt_holds_some(catalogue, receipt):
    [row, *_] = gather.rows(stored(receipt('toy/base', 40.0, status='timeout', reason='too long')), catalogue)
    assert (row.status, row.reason) == ('timeout', 'too long')
    assert row.spread('metrics', 'miou').values == ()
    assert row.first('cost', 'flops') is None


def test_a_validation_score_is_said_to_be_one(catalogue):
    base, wide, silent, _ = gather.rows([], catalogue)
    assert base.documented_miou() == (28.0, '')
    assert wide.documented_miou() == (15.0, 'val')
    assert silent.documented_miou()[0] is None


def test_telling_rows_drop_smoke_only_beside_a_real_result(catalogue, receipt):
    rows = gather.rows(
        stored(
            receipt('toy/base', 40.0),
            receipt('toy/base', 3.0, budget='smoke'),
            receipt('toy/wide', 3.0, budget='smoke'),
            receipt('toy/silent', 3.0),
            receipt('toy/silent', None, budget='smoke'),
        ),
        catalogue,
    )
    kept = [(row.name, row.setting.budget) for row in gather.telling_rows(rows) if row.setting]
    assert kept == [('base', 'short'), ('wide', 'smoke'), ('silent', 'short'), ('silent', 'smoke')]
    assert {row.experiment for row in gather.telling_rows(rows)} == set(catalogue.experiments)


def test_setting_slugs_are_file_names(receipt):
    setting = gather.setting_of(receipt('toy/base', precision='bf16'))
    assert setting.label == 'camvid 96x128, short x0.1, bf16'
    assert setting.slug == 'camvid-96x128-short-x0.1-bf16'


@pytest.mark.parametrize(
    ('block', 'keys'), [('cost', ('flops',)), ('memory', ('train', 'input_shape')), ('init', ('x',))]
)
def test_what_is_missing_is_none(receipt, block, keys):
    assert gather.lookup(receipt('toy/base', None), block, *keys) is None
    assert gather.lookup(receipt('toy/base', memory={'train': None}, cost={}, init={}), block, *keys) is None


def test_a_row_whose_parent_lacked_its_weights_is_marked(catalogue, receipt):
    lacking = {'documented': 'resnet50-imagenet', 'used': 'random'}
    child = {'documented': 'random', 'used': 'random', 'start': [{'parent': 'toy/base'}]}
    for used, marked in (('random', True), ('resnet50-imagenet', False)):
        parent = receipt('toy/base', init={**lacking, 'used': used})
        rows = gather.rows(stored(parent, receipt('toy/wide', init=child)), catalogue)
        [row] = [row for row in rows if row.experiment == 'toy/wide']
        assert ('other initial weights' in row.marks) is marked


@pytest.mark.parametrize(
    ('precise', 'marked'), [((70.0, 72.0), '71.0 with precise batch norm'), ((41.0, None), ''), ((None, None), '')]
)
def test_statistics_that_lag_behind_mark_a_row(receipt, catalogue, precise, marked):
    blocks = [None if miou is None else {'metrics': {'miou': miou}} for miou in precise]
    runs = [receipt('toy/base', seed=seed, precise_bn=block) for seed, block in enumerate(blocks)]
    [row] = [row for row in gather.rows(stored(*runs), catalogue) if row.experiment == 'toy/base']
    assert [mark for mark in row.marks if 'batch norm' in mark] == ([marked] if marked else [])


def test_only_runs_that_have_both_scores_are_set_beside_each_other(receipt, catalogue):
    runs = [receipt('toy/base', 30.0, precise_bn={'metrics': {'miou': 50.0}}), receipt('toy/base', 60.0, seed=1)]
    [row] = [row for row in gather.rows(stored(*runs), catalogue) if row.experiment == 'toy/base']
    assert row.precise == (50.0, 30.0)
