import json

import pytest

from bench.render import document, explorer


@pytest.fixture
def made(runs, catalogue, judged):
    return document.build(runs, catalogue, (), judged)


def test_models_carry_their_marks_and_runs(made):
    data = explorer.data(made)
    models = {model['id']: model for model in data['models']}
    assert models['toy/base']['marks'] == ['reduced budget', 'older code (1 of 2)']
    assert models['toy/silent']['marks'] == ['smoke'] and models['toy/silent']['smoke']
    assert models['toy/base']['miou'] == 42.0
    assert models['toy/base']['low'] < 40 < 44 < models['toy/base']['high']
    assert models['toy/wide']['miou'] is None and models['toy/wide']['status'] == 'oom'
    assert [data['runs'][index]['seed'] for index in models['toy/base']['runs']] == [0, 1]
    assert [data['runs'][index]['older'] for index in models['toy/base']['runs']] == [False, True]
    assert sorted(index for model in data['models'] for index in model['runs']) == list(range(len(data['runs'])))


def test_it_is_json_without_what_json_has_not(made):
    json.dumps(explorer.data(made), allow_nan=False)


def test_links_lead_from_the_report_to_the_runs(made, runs, tmp_path):
    out = tmp_path / 'far' / 'report'
    data = explorer.data(made, out)
    for run in data['runs']:
        assert (out.resolve() / run['link']).resolve().samefile(tmp_path / 'results' / run['id'])
        assert all((out / run['link'] / name).resolve().is_file() for name in run['files'])
    assert 'receipt.json' in data['runs'][0]['files']
    assert all(run['link'] is None and run['files'] == [] for run in explorer.data(made)['runs'])


def test_receipts_are_on_the_page_up_to_a_number(made, monkeypatch):
    assert explorer.data(made)['runs'][0]['receipt']['latency']['p50_ms'] == 12.5
    monkeypatch.setattr(explorer, 'EMBEDDED_RUNS', 3)
    assert all('receipt' not in run for run in explorer.data(made)['runs'])


def test_a_shared_device_is_marked(catalogue, receipt, store):
    run = store(receipt('toy/base', latency={'p50_ms': 1.0, 'device': 'cpu', 'threads': 1, 'contended': True}))
    (model,) = explorer.data(document.build([run], catalogue))['models']
    assert model['marks'] == ['reduced budget', 'contended']
    assert model['device'] == 'cpu, 1 thread'
