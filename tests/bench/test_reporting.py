import json
from dataclasses import asdict

import pytest

from bench import catalogue, paths, reporting, store
from bench.records import Receipt


@pytest.fixture(scope='module')
def known():
    return catalogue.load(paths.documented_dir())


@pytest.fixture
def results(tmp_path):
    name = 'kitti_ablation/baseline/camvid-96x128-short-seed0'
    values = {'size': (96, 128), 'metrics': {'miou': 41.25}, 'data': {'manifest': 'm'}}
    report, experiment = 'kitti_ablation', 'kitti_ablation/baseline'
    receipt = Receipt(1, name, report, experiment, 'camvid', 'short', 0, 'ok', '', 'k', **values)
    (tmp_path / name).mkdir(parents=True)
    (tmp_path / name / 'receipt.json').write_text(json.dumps(asdict(receipt)))
    return tmp_path


def test_every_claim_has_a_verdict_and_the_one_to_believe(results, known):
    judged = reporting.judge(store.read_all(results), known)
    assert set(judged.best) == set(known.claims) == {verdict.claim for verdict in judged.verdicts}
    assert all(judged.of(name) is judged.best[name] for name in known.claims)


def test_a_receipt_with_another_key_is_of_older_code(results, known):
    assert reporting.judge(store.read_all(results), known).older == {
        'kitti_ablation/baseline/camvid-96x128-short-seed0'
    }


def test_a_second_report_of_the_same_results_judges_nothing(results, known, monkeypatch):
    page = reporting.refresh(results, known)
    before = page.stat().st_mtime_ns
    monkeypatch.setattr(reporting, 'judge', lambda *_: pytest.fail('nothing changed, yet it was judged'))
    assert reporting.refresh(results, known) == page
    assert page.stat().st_mtime_ns == before


def test_every_config_is_counted_or_said_not_to_be(known, monkeypatch, tmp_path):
    monkeypatch.setattr(reporting, 'counts_file', lambda: tmp_path / 'counts.json')
    missing = reporting.uncounted(known)
    assert len(missing) > 100
    assert set(missing) <= set(known.experiments)
