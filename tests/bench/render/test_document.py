import re

from bench.render import document


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


def test_a_report_is_drawn_in_its_own_settings_however_many_others_tell_more(runs, catalogue, receipt, store):
    """As many settings of another report come first as are drawn; the next is still drawn in the section of its own."""
    names = [f'd{number}' for number in range(document.FIGURED)]
    others = [
        store(receipt('other/x', 20.0, dataset=name, budget='full', id=f'other/x/{name}-seed0')) for name in names
    ]
    made = document.build([*runs, *others], catalogue)
    drawn = {section.slug: [picture.path for picture in section.pictures] for section in made.sections}
    assert 'figures/toy-curves-camvid-96x128-short-x0.1.png' in drawn['toy']
    assert len(made.figured) == document.FIGURED + 1
    assert sum(bool(section.pictures) for section in made.rankings) == document.FIGURED
