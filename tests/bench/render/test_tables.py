from dataclasses import replace
from pathlib import Path

import pytest

from bench.render import gather, tables


@pytest.fixture
def rows(catalogue, runs, judged):
    return gather.rows(runs, catalogue, replace(judged, older=frozenset()))


def column(table, name):
    return dict(
        zip((row[0] for row in table.rows), (row[table.columns.index(name)] for row in table.rows), strict=True)
    )


def test_documented_stands_beside_measured(rows):
    table = tables.accuracy('toy', rows)
    assert column(table, 'Documented mIoU (%)') == {'base': '28', 'wide': '15 (val)', 'silent': '—', 'idle': '64.86'}
    assert column(table, 'mIoU (%)') == {'base': '42.00', 'wide': '—', 'silent': '3.00', 'idle': '—'}
    assert column(table, 'seeds') == {'base': '2', 'wide': '—', 'silent': '1', 'idle': '—'}
    assert column(table, 's.d. over seeds')['base'] == '2.83'
    assert column(table, 'Status') == {
        'base': 'ok; reduced budget; other initial weights',
        'wide': 'oom',
        'silent': 'ok; smoke; other initial weights',
        'idle': 'not run',
    }
    assert column(table, 'Deviation') == {'base': '+14.00', 'wide': '—', 'silent': '—', 'idle': '—'}
    assert column(table, 'Initial weights')['base'] == 'random (documented: resnet50-imagenet)'
    assert table.marks == ('ok', 'failed', 'smoke', 'absent')


def test_a_run_without_a_number_never_shows_a_zero(rows):
    for table in (tables.accuracy('toy', rows), tables.cost('toy', rows)):
        for name in ('wide', 'idle'):
            cells = next(row for row in table.rows if row[0] == name)
            assert not [cell for cell in cells if cell in ('0', '0.0', '0.00')]


def test_counted_cost_and_its_deviation(rows):
    table = tables.cost('toy', rows)
    assert column(table, 'Documented GFLOPs')['base'] == '10'
    assert column(table, 'Counted GFLOPs') == {'base': '10.10', 'wide': '—', 'silent': '10.10', 'idle': '7.00'}
    assert column(table, 'Deviation (%)') == {'base': '+1.00', 'wide': '—', 'silent': '—', 'idle': '—'}
    assert column(table, 'Counted at')['base'] == '375x1242'
    assert column(table, 'Run at')['base'] == '96x128'
    assert column(table, 'Train memory (GiB)')['base'] == '3.00'
    assert column(table, 'Training time')['base'] == '2.1 min'


def test_times_of_several_units_are_sorted_by_seconds_and_sizes_by_area(catalogue, receipt):
    walls = {'toy/base': 95.0, 'toy/wide': 282.0, 'toy/silent': 198.0}
    runs = [(Path(name), receipt(name, train={'wall_sec': wall, 'steps': 9})) for name, wall in walls.items()]
    table = tables.cost('toy', gather.rows(runs, catalogue))
    assert list(column(table, 'Training time').values()) == ['95 s', '4.7 min', '3.3 min', '—']
    assert table.sorts['Training time'] == (95.0, 282.0, 198.0, None)
    assert table.sorts['Run at'][0] == 96 * 128
    assert not set(table.sorts) - set(table.columns)
    assert not any(table.is_mixed(place) for place in range(len(table.columns)))


def test_contended_latency_says_so(catalogue, receipt):
    run = receipt('toy/base', latency={'p50_ms': 9.0, 'contended': True})
    table = tables.cost('toy', gather.rows([(Path('x'), run)], catalogue))
    assert column(table, 'Latency p50 there (ms)')['base'] == '9.00 (contended)'


def test_a_score_has_its_interval_over_images_beside_the_spread_over_seeds(rows):
    assert column(tables.accuracy('toy', rows), '95 % over images')['base'] == '38.5 to 44.2'
    assert column(tables.accuracy('toy', rows), '95 % over images')['silent'] == '—'


def test_a_score_is_held_against_the_documented_one_on_the_documented_data_alone(catalogue, receipt, judged):
    elsewhere = receipt('toy/base', 42.0, dataset='kitti', id='toy/base/kitti-96x128-short-seed0')
    for run, deviation in ((receipt('toy/base', 42.0), 14.0), (elsewhere, None)):
        [row, *_] = gather.rows([(Path(run.id), run)], catalogue, judged)
        assert tables.miou_deviation(row) == deviation
    assert tables.miou_deviation(gather.rows([(Path('x'), receipt('toy/base', 42.0))], catalogue)[0]) is None


def test_the_ranking_tells_how_long_each_was_trained(catalogue, receipt, judged):
    rows = gather.rows([(Path('x'), receipt('toy/base')), (Path('y'), receipt('toy/silent'))], catalogue, judged)
    table = tables.ranking(rows[0].setting, rows)
    assert column(table, 'Epochs, of the documented') == {'toy/base': '4.5, 10 %', 'toy/silent': '4.5'}


def test_ranking_is_by_mean_score_within_one_setting(catalogue, receipt):
    runs = [receipt('toy/base', 40.0), receipt('toy/wide', 50.0), receipt('toy/silent', 90.0, budget='full')]
    rows = gather.rows([(Path(run.id), run) for run in runs], catalogue)
    table = tables.ranking(gather.setting_of(runs[0]), rows)
    assert [row[0] for row in table.rows] == ['toy/wide', 'toy/base']


def test_absent_classes_are_dashes(rows):
    table = tables.per_class('toy', gather.settings_of(rows)[0], rows)
    assert table.rows == (('base', '52.0', '42.0', '—'),)
    assert tables.per_class('toy', gather.settings_of(rows)[0], []) is None


def test_a_class_is_averaged_over_the_seeds_it_occurs_in(catalogue, receipt):
    runs = [receipt('toy/base', 40.0), receipt('toy/base', 40.0, seed=1)]
    runs[0].metrics['per_class_iou'] = {'road': None}
    runs[1].metrics['per_class_iou'] = {'road': 30.0}
    [row, *_] = gather.rows([(Path(run.id), run) for run in runs], catalogue)
    assert tables.class_iou(row, 'road') == 30.0


def test_names_cannot_break_a_markdown_table(rows):
    table = tables.per_class('toy', gather.settings_of(rows)[0], rows)
    lines = table.markdown().splitlines()
    assert len(lines) == 3
    assert {len(line.replace(r'\|', '').split('|')) for line in lines} == {len(table.columns) + 2}
    reason = tables.accuracy('toy', rows).markdown()
    assert r'&lt;script&gt;alert(2)&lt;/script&gt; \| \`boom\` line 2' in reason
    assert '<script>' not in reason


def test_scores_of_smoke_are_in_italics_and_nothing_else_is(rows):
    lines = tables.accuracy('toy', rows).markdown().splitlines()
    assert '*3.00*' in next(line for line in lines if 'silent' in line)
    assert '*' not in next(line for line in lines if 'base' in line)
    assert '*' not in tables.cost('toy', rows).markdown()


def test_latex_has_no_raw_specials(rows):
    text = tables.accuracy('toy', rows).latex()
    assert r'\toprule' in text
    assert '—' not in text
