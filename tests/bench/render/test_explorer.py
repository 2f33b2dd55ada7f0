import json
import math
from dataclasses import fields
from typing import Any, get_args

import pytest
from scipy import stats

from bench import store as stores
from bench.claims import Check, Finding, Relation
from bench.records import Receipt
from bench.render import document, explorer


@pytest.fixture
def made(runs, catalogue, judged):
    return document.build(runs, catalogue, (), judged)


def test_models_carry_their_marks_and_runs(made):
    data = explorer.data(made)
    models = {model['id']: model for model in data['models']}
    assert models['toy/base']['marks'] == ['reduced budget', 'other initial weights', 'older code (1 of 2)']
    assert models['toy/silent']['marks'] == ['smoke', 'other initial weights'] and models['toy/silent']['smoke']
    assert models['toy/base']['miou'] == 42.0
    assert models['toy/base']['low'] < 40 < 44 < models['toy/base']['high']
    assert models['toy/wide']['miou'] is None and models['toy/wide']['status'] == 'oom'
    assert [data['runs'][index]['seed'] for index in models['toy/base']['runs']] == [0, 1]
    assert [data['runs'][index]['older'] for index in models['toy/base']['runs']] == [False, True]
    assert sorted(index for model in data['models'] for index in model['runs']) == list(range(len(data['runs'])))


def test_a_single_seed_borrows_the_spread_of_its_setting(catalogue, receipt, store):
    runs = [store(receipt('toy/base', 40.0 + 4 * seed, seed=seed)) for seed in range(2)]
    runs += [store(receipt('toy/wide', 30.0 + 2 * seed, seed=seed)) for seed in range(2)]
    runs += [store(receipt('toy/idle', 20.0)), store(receipt('toy/silent', 3.0, budget='smoke'))]
    models = {one['id']: one for one in explorer.data(document.build(runs, catalogue))['models']}
    alone, pooled = models['toy/idle'], math.sqrt((8 + 2) / 2)
    assert alone['borrowed'] and not models['toy/base']['borrowed']
    assert alone['error'] == pytest.approx(pooled, rel=1e-5)
    half = stats.t.ppf(0.975, 2) * pooled
    assert (alone['half'], alone['low'], alone['high']) == pytest.approx((half, 20 - half, 20 + half), rel=1e-5)
    own = stats.t.interval(0.95, 1, loc=42, scale=2.0)
    assert (models['toy/base']['low'], models['toy/base']['high']) == pytest.approx(own, rel=1e-5)
    nowhere = models['toy/silent']
    assert nowhere['error'] is nowhere['half'] is nowhere['low'] is None and not nowhere['borrowed']


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
    assert model['marks'] == ['reduced budget', 'contended', 'other initial weights']
    assert model['device'] == 'Some CPU, 1 thread'


def test_every_block_of_a_receipt_is_on_the_page(catalogue, receipt, store):
    blocks = {field.name for field in fields(Receipt) if field.type == dict[str, Any] | None}
    assert {'metrics', 'centre', 'boundary', 'objects'} <= blocks
    run = store(receipt('toy/base', **{name: {'told': 1.5} for name in blocks}))
    shown = explorer.data(document.build([run], catalogue))['runs'][0]['receipt']
    assert {name for name, values in shown.items() if values == {'told': 1.5}} == blocks


def test_a_row_of_a_cost_table_leads_to_its_record(catalogue, timing, tmp_path):
    for name in ('toy/base', 'toy/wide'):
        path = tmp_path / 'results' / name / 'cost-cpu-fp32-375x1242.json'
        path.parent.mkdir(parents=True)
        path.write_text(json.dumps(timing(name)))
    timings = stores.read_timings(tmp_path / 'results')
    out = tmp_path / 'generated'
    [table] = [
        one
        for name, one in explorer.data(document.build([], catalogue, timings), out)['tables'].items()
        if name.startswith('timings-')
    ]
    assert sorted(row[0] for row in table['rows']) == ['toy/base', 'toy/wide']
    for row, file in zip(table['rows'], table['files'], strict=True):
        assert json.loads((out.parent / file.removeprefix('../')).read_text())['experiment'] == row[0]


def test_every_check_is_told_in_words():
    for relation in get_args(Relation):
        check = Check('miou', relation, 'toy/a', ('toy/b', 'toy/c'))
        told = explorer._finding(Finding(check, 'reproduced', reason='the mIoU of a is 3'), 'reproduced')
        assert told.startswith('miou of toy/a ')
        assert told.endswith(': reproduced. The mIoU of a is 3')
    greater = Finding(Check('miou', 'greater', 'toy/a', ('toy/b', 'toy/c')), 'failed', reason='b_c ended with oom')
    told = explorer._finding(greater, 'failed')
    assert told == 'miou of toy/a greater than that of toy/b, toy/c: failed. b_c ended with oom'


def test_a_check_that_is_not_what_its_verdict_is_says_so():
    held = Finding(Check('miou', 'greater', 'toy/a', ('toy/b',)), 'reproduced', reason='Clear.')
    told = explorer._finding(held, 'inconclusive')
    assert told == 'miou of toy/a greater than that of toy/b: reproduced by itself. Clear.'
