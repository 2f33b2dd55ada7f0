import io

import pandas as pd
import pytest

from bench.render import frames, gather


@pytest.fixture
def rows(catalogue, runs):
    return gather.rows(runs, catalogue)


def test_csv_leaves_empty_what_was_not_measured(catalogue, rows):
    frame = pd.read_csv(io.StringIO(frames.csv(frames.experiments(rows, catalogue)))).set_index('id')
    assert list(frame.index) == list(catalogue.experiments)
    assert frame.loc['toy/base', 'miou'] == 42.0
    assert frame.loc['toy/base', 'miou_averaged_as_documented'] == 40.0
    assert frame.loc['toy/base', 'counted_gflops_deviation_percent'] == pytest.approx(1.0)
    assert bool(frame.loc['toy/base', 'evidence']) is True
    assert bool(frame.loc['toy/silent', 'evidence']) is False
    assert frame.loc['toy/wide', 'documented_split'] == 'val'
    assert (
        frame.loc[['toy/wide', 'toy/idle'], ['miou', 'counted_gflops', 'train_wall_sec', 'evidence']]
        .isna()
        .to_numpy()
        .all()
    )


def test_every_receipt_has_a_line(rows):
    frame = pd.read_csv(io.StringIO(frames.csv(frames.runs(rows))))
    assert list(frame['status']) == ['ok', 'ok', 'oom', 'ok']
    assert frame['steps'].dropna().tolist() == [300, 300, 300]
    assert '300.0' not in frames.csv(frames.runs(rows))


def test_runs_of_older_code_are_told_even_where_all_are(catalogue, runs):
    older = gather.Judged(older=frozenset(receipt.id for _, receipt in runs[:2]))
    assert list(frames.runs(gather.rows(runs, catalogue, older))['older_code']) == [True, True, False, False]
    every = gather.Judged(older=frozenset(receipt.id for _, receipt in runs))
    assert frames.runs(gather.rows(runs, catalogue, every))['older_code'].all()


def test_frames_without_runs_keep_their_columns(catalogue):
    rows = gather.rows([], catalogue)
    assert frames.csv(frames.classes(rows)) == 'id,setting,class,iou\n'
    assert frames.csv(frames.runs(rows)).startswith('id,experiment,')


def test_a_bound_of_hundreds_of_digits_is_short():
    frame = pd.DataFrame({'high': [1.5e300, 2.25, None]})
    assert frames.csv(frame) == 'high\n1.5000e+300\n2.2500\n""\n'
