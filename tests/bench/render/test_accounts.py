from dataclasses import replace

import numpy as np
import pytest

from bench import catalogue, paths, store
from bench.judging import ledger
from bench.render import accounts
from bench.render.gather import rows

PUBLISHED = paths.repo_root() / 'reports' / 'measured'


@pytest.fixture(scope='module')
def published():
    """The rows of the published runs, and their accounts."""
    known = catalogue.load(paths.documented_dir())
    gathered = rows(store.read_all(PUBLISHED), known)
    return gathered, accounts.accounts(gathered, known)


def test_every_published_run_in_earnest_has_an_account(published):
    gathered, found = published
    expected = [row for row in gathered if row.ok and not row.smoke]
    assert len(expected) >= 7
    assert [one.row for one in found] == expected


def test_the_pooled_way_is_the_miou_of_the_receipt(published):
    for one in published[1]:
        receipt = one.row.ok[0][1]
        assert one.entry.value('pooled') == pytest.approx(receipt.metrics['miou'], abs=1e-9)
        assert one.entry.value('absent_as_zero') == pytest.approx(receipt.metrics['miou_absent_as_zero'], abs=1e-9)


def test_a_reports_table_has_its_runs_and_every_way(published):
    gathered, found = published
    table = accounts.table('kitti_ablation', found)
    names = {row.experiment.split('/')[1] for row in gathered if row.ok and row.report == 'kitti_ablation'}
    assert {row[0] for row in table.rows} == names >= {'baseline', 'batch_norm'}
    assert len(table.columns) == 5 + len(ledger.AVERAGINGS)
    assert accounts.table('no_such_report', found) is None


@pytest.fixture(scope='module')
def on_own_data(published):
    """The accounts as they would be if the reports had used the data set of these runs."""
    gathered, _ = published
    moved = [replace(row, counted={'documented': {'dataset': 'camvid'}}) for row in gathered]
    return accounts.accounts(moved, catalogue.load(paths.documented_dir()))


def test_inferences_are_told_on_the_documented_data_alone(published, on_own_data):
    assert not any(one.entry.inference for one in published[1])
    table = accounts.table('kitti_ablation', on_own_data)
    assert table.columns[-1] == 'Inference'
    # Arms have no documented number that a way of averaging could bring closer.
    assert all(row[-1].startswith('inference: of ') == (row[3] != '—') for row in table.rows)


def test_the_nearest_way_is_the_one_of_least_deviation(on_own_data):
    frame = accounts.frame(on_own_data)
    for _, own in frame[frame['documented'].notna()].groupby(['id', 'setting']):
        away = (own['value'] - own['documented']).abs()
        [nearest] = own.index[own['closest']]
        assert away[nearest] == pytest.approx(np.nanmin(away))


def test_smoke_and_runs_without_matrices_have_no_account(receipt, store, catalogue):
    runs = [store(receipt('toy/base', budget='smoke')), store(receipt('toy/wide'))]
    for folder, _ in runs:
        (folder / 'confusion.npz').unlink(missing_ok=True)
    assert accounts.accounts(rows(runs, catalogue), catalogue) == []
