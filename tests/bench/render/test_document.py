import dataclasses
import re

from bench.render import document, drawn


def test_summary_counts_experiments_and_runs(runs, catalogue):
    made = document.build(runs, catalogue)
    assert made.summary[0] == '4 experiments: 1 measured, 1 run as smoke only, 1 failed, 1 not run.'
    assert made.summary[1] == '4 runs: 3 ok, 1 oom.'


def test_the_machines_are_named(catalogue, receipt, store):
    environment = {'cpu': 'Fast CPU', 'device_name': None, 'packages': {'torch': '2.9'}}
    made = document.build([store(receipt('toy/base', environment=environment))], catalogue)
    assert 'Measured on Fast CPU, torch 2.9.' in made.summary


def test_smoke_gets_no_ranking_beside_real_runs_but_does_alone(runs, catalogue):
    [ranking] = document.build(runs, catalogue).rankings
    assert 'short' in ranking.slug
    [ranking] = document.build([run for run in runs if run[1].budget == 'smoke'], catalogue).rankings
    assert 'smoke' in ranking.slug


def test_no_run_at_all_is_said(catalogue):
    made = document.build([], catalogue)
    assert any('No run has been stored yet' in sentence for sentence in made.summary)
    assert made.pictures == []
    assert [table.name for table in made.tables] == ['toy-accuracy', 'toy-cost', 'toy-claims']


def test_files_have_plain_and_different_names(runs, catalogue):
    made = document.build(runs, catalogue)
    names = [picture.path for picture in made.pictures] + [table.name for table in made.tables]
    assert len(names) == len(set(names)) > 5
    assert all(re.fullmatch(r'[\w./-]+', name) for name in names)


def test_a_note_on_the_data_is_shown_with_its_ranking(catalogue, receipt, store):
    made = document.build([store(receipt('toy/base', data={'note': 'rendered'}))], catalogue)
    assert made.rankings[0].notes == ('rendered', 'Latency on Some CPU, unless said otherwise.')
    [section] = [one for one in made.sections if one.slug == 'toy']
    assert section.notes == (f'{made.rows[0].setting.dataset}: rendered',)


def test_a_report_is_drawn_in_its_own_settings_however_many_others_tell_more(runs, catalogue, receipt, store):
    """Those of another report are all that is drawn together; the next is still drawn in the section of its own."""
    others = [
        store(receipt('other/x', 20.0, dataset=f'd{number}', budget='full', seed=seed, id=f'other/x/{number}-{seed}'))
        for number in range(drawn.FIGURED)
        for seed in range(3)
    ]
    made = document.build([*runs, *others], catalogue)
    pictures = {section.slug: [picture.path for picture in section.pictures] for section in made.sections}
    assert 'figures/toy-curves-camvid-96x128-short-x0.1.png' in pictures['toy']
    assert len(made.figured) == drawn.FIGURED + 1
    assert sum(bool(section.pictures) for section in made.rankings) == drawn.FIGURED
    without = [section for section in made.rankings if not section.pictures]
    assert [section.slug for section in without] == ['camvid-96x128-short-x0.1']
    told = f'No figures: only the {drawn.FIGURED} settings with the most runs are drawn.'
    assert [section for section in made.rankings if told in section.notes] == without


def test_how_many_runs_older_code_made_is_said_once_where_it_is_so_of_all(runs, catalogue, judged):
    def told(older):
        made = document.build(runs, catalogue, (), dataclasses.replace(judged, older=frozenset(older)))
        said = [sentence for sentence in made.summary if 'older code' in sentence]
        return said, [row.experiment for row in made.rows if any('older code' in mark for mark in row.marks)]

    finished = [receipt.id for _, receipt in runs if receipt.status == 'ok']
    [said], marked = told(finished)
    assert said.startswith('3 of 3 finished runs were made with older code') and marked == []
    [said], marked = told(finished[:1])
    assert said.startswith('1 of 3 ') and said.endswith('Their rows are marked.') and marked == ['toy/base']
    assert told([]) == ([], [])
