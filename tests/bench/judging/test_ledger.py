import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from bench import catalogue, paths, store
from bench.errors import UnknownName
from bench.experiments import Documented, Experiment, Report
from bench.judging.ledger import AVERAGINGS, PIXEL_AVERAGINGS, SCOPES, enter, miou_averages, own_variant, pixel_averages
from bench.records import Receipt

N, K, B = 11, 5, 4
REPORT = Report('toy', 'Toy', 'ten pictures', 'two of them', 'pooled', 'two FLOPs a MAC')


@pytest.fixture
def matrices():
    """Class 4 never occurs, class 3 only in predictions, and each image lacks some classes; image 6 is unlabelled."""
    generator = np.random.default_rng(0)
    stack = generator.integers(0, 40, (N, K, K)) + 60 * np.eye(K, dtype=int)
    stack[generator.random((N, K)) < 0.35] = 0
    stack[:, 3:] = 0
    stack[:, :, 4] = 0
    missed = generator.random((N, K)) < 0.2
    missed[2] = True
    stack[missed, :] *= 1 - np.eye(K, dtype=int)[np.nonzero(missed)[1]]
    stack[6] = 0
    return stack


@pytest.fixture
def experiment():
    return Experiment('toy/net', 'Net', '1', 'R', (Documented('miou', 50.0, 'percent', 'table 1'),))


@pytest.fixture
def receipt():
    return Receipt(
        1,
        'toy/net/run',
        'toy',
        'toy/net',
        'scenes',
        'full',
        0,
        'ok',
        '',
        'k',
        train={'batch_size': B},
        data={'split': 'test'},
    )


def iou(matrix, value):
    union = matrix[value].sum() + matrix[:, value].sum() - matrix[value, value]
    return matrix[value, value] / union if union else None


def mean(values):
    values = [value for value in values if value is not None]
    return sum(values) / len(values) if values else None


def slow_mious(stack, batch):
    """Every average with plain loops."""
    images = [matrix for matrix in stack if matrix.any()]
    pooled = stack.sum(axis=0)
    groups = [stack[start : start + batch].sum(axis=0) for start in range(0, len(stack), batch)]
    of_batch = [mean(iou(m, v) for v in range(K) if m[v].any()) for m in groups]
    return {
        'pooled': mean(iou(pooled, v) for v in range(K)),
        'absent_as_zero': sum(iou(pooled, v) or 0 for v in range(K)) / K,
        'per_image': mean(mean(iou(m, v) for v in range(K)) for m in images),
        'per_image_in_truth': mean(mean(iou(m, v) for v in range(K) if m[v].any()) for m in images),
        'per_image_hit': mean(mean(iou(m, v) for v in range(K) if m[v, v]) or 0 for m in images),
        'per_batch': mean(of_batch),
        'per_batch_as_coded': sum(of_batch) / (len(stack) // batch),
        'frequency_weighted': sum(pooled[v].sum() * (iou(pooled, v) or 0) for v in range(K)) / pooled.sum(),
    }


@pytest.mark.parametrize('batch', [2, 3, B])
def test_every_average_equals_the_one_from_plain_loops(matrices, batch):
    found = miou_averages(matrices, batch)
    assert list(found) == list(AVERAGINGS)
    assert found == pytest.approx({name: 100 * value for name, value in slow_mious(matrices, batch).items()})
    assert len({round(value, 6) for value in found.values()}) == len(found)


def test_one_batch_of_all_is_pooled_over_the_classes_in_truth(matrices):
    pooled = matrices.sum(axis=0)
    expected = 100 * mean(iou(pooled, value) for value in range(3))
    for batch in (N, N + 1):
        assert miou_averages(matrices, batch)['per_batch'] == pytest.approx(expected)
    assert miou_averages(matrices, N)['per_batch_as_coded'] == pytest.approx(expected)
    assert miou_averages(matrices, N + 1)['per_batch_as_coded'] is None


def test_a_batch_without_a_labelled_pixel_is_left_out_of_the_mean_and_counted_by_the_divisor(matrices):
    found = miou_averages(matrices, 1)
    assert found['per_batch'] == pytest.approx(found['per_image_in_truth'])
    assert found['per_batch_as_coded'] == pytest.approx(found['per_batch'] * 10 / 11)


def test_an_image_without_a_hit_counts_zero_only_where_hits_are_averaged(matrices):
    none_hit = matrices[2:3]
    assert miou_averages(none_hit)['per_image_hit'] == 0
    without = miou_averages(np.delete(matrices, 2, axis=0))['per_image_hit']
    assert miou_averages(matrices)['per_image_hit'] == pytest.approx(without * 9 / 10)


def test_pixel_accuracy_is_averaged_over_pixels_images_or_batches(matrices):
    found = pixel_averages(matrices, B)
    assert list(found) == list(PIXEL_AVERAGINGS)
    share = [np.trace(m) / m.sum() if m.any() else None for m in matrices]
    groups = [matrices[start : start + B].sum(axis=0) for start in range(0, N, B)]
    of_batch = [np.trace(m) / m.sum() for m in groups]
    expected = (np.trace(matrices.sum(axis=0)) / matrices.sum(), mean(share), mean(of_batch), sum(of_batch) / 2)
    assert list(found.values()) == pytest.approx([100 * value for value in expected])


def test_without_a_batch_size_batches_are_not_averaged(matrices):
    for found in (miou_averages(matrices), pixel_averages(matrices)):
        assert found['per_batch'] is None and found['per_batch_as_coded'] is None
        assert found['per_image'] is not None


@pytest.mark.parametrize('images', [0, 2])
def test_nothing_labelled_means_nothing_measured(images):
    empty = np.zeros((images, K, K), np.int64)
    assert set(miou_averages(empty, 2).values()) == set(pixel_averages(empty, 2).values()) == {None}


def test_the_nearest_way_is_named_as_inference(matrices, experiment, receipt):
    wanted = miou_averages(matrices, B)['per_image_hit']
    near = replace(experiment, documented=(Documented('miou', wanted + 0.01, 'percent', 'table 1'),))
    entry = enter(REPORT, near, receipt, {'test': matrices})
    assert (entry.own, entry.closest) == ('pooled', 'per_image_hit')
    assert entry.value('per_image_hit') == pytest.approx(wanted)
    assert entry.documented.source == 'table 1'
    assert entry.inference.startswith('inference: of 8 ways to average, per_image_hit (')
    assert f"the report's own, pooled, gives {entry.value('pooled'):.2f}" in entry.inference


def test_nothing_is_inferred_from_other_data_than_the_documented(matrices, experiment, receipt):
    there = enter(REPORT, experiment, receipt, {'test': matrices})
    elsewhere = enter(REPORT, experiment, receipt, {'test': matrices}, documented_data=False)
    assert there.inference and there.closest
    assert (elsewhere.closest, elsewhere.spanned, elsewhere.inference) == (None, None, '')
    assert (elsewhere.documented, elsewhere.variants) == (there.documented, there.variants)


@pytest.mark.parametrize('budget', ['smoke', 'short', 'full'])
def test_an_inference_from_a_reduced_budget_says_so(matrices, experiment, receipt, budget):
    found = enter(REPORT, experiment, replace(receipt, budget=budget), {'test': matrices}).inference
    assert (f'a {budget} budget says little' in found) == (budget != 'full')


def test_of_ways_that_agree_the_reports_own_is_the_closest(experiment, receipt):
    perfect = np.eye(K, dtype=np.int64)[None] * 7
    own = replace(REPORT, ledger_variant='per_image_in_truth')
    entry = enter(own, experiment, receipt, {'test': perfect}, batch_size=1)
    assert entry.closest == 'per_image_in_truth'
    assert entry.spanned is False
    assert 'gives' not in entry.inference


@pytest.mark.parametrize(('shift', 'spanned'), [(-1.0, False), (0.0, True), (1.0, True)])
def test_a_deviation_that_averaging_could_explain_is_told(matrices, experiment, receipt, shift, spanned):
    least = min(miou_averages(matrices, B).values())
    documented = replace(experiment, documented=(Documented('miou', least + shift, 'percent', 'table 1'),))
    assert enter(REPORT, documented, receipt, {'test': matrices}).spanned is spanned


@pytest.mark.parametrize(('on_test', 'scope'), [(True, 'test_best'), (False, 'validation_best')])
def test_centre_squares_and_the_selected_epoch_are_ways_of_their_own(matrices, experiment, receipt, on_test, scope):
    chosen = replace(receipt, selected={'on_test': on_test})
    arrays = {'test': matrices, 'centre': matrices[:, ::-1, ::-1], 'selected': matrices[:5], 'train': matrices}
    entry = enter(REPORT, experiment, chosen, arrays)
    assert [v.name for v in entry.variants] == [
        *AVERAGINGS,
        *(f'{name}@centre' for name in AVERAGINGS),
        *(f'{name}@{scope}' for name in AVERAGINGS),
    ]
    assert entry.value(f'per_batch@{scope}') == miou_averages(matrices[:5], B)['per_batch']
    assert all(SCOPES[scope] in v.meaning for v in entry.variants if v.name.endswith(scope))
    assert 'batch of 4' in next(v.meaning for v in entry.variants if v.name == 'per_batch')


@pytest.mark.parametrize(('split', 'value'), [('test', 41.5), ('val', None)])
def test_the_curve_tells_the_test_best_epoch_only_where_test_was_validated_on(
    matrices, experiment, receipt, split, value
):
    validated = replace(receipt, validation={'split': split, 'best_miou': 41.5})
    assert enter(REPORT, experiment, validated, {'test': matrices}).value('pooled@test_best') == value
    chosen = replace(validated, selected={'on_test': True})
    entry = enter(REPORT, experiment, chosen, {'test': matrices, 'selected': matrices[:3]})
    assert entry.value('pooled@test_best') == miou_averages(matrices[:3])['pooled']
    assert [variant.name for variant in entry.variants].count('pooled@test_best') == 1


def test_a_training_score_is_taken_from_the_training_images(matrices, receipt):
    documented = (Documented('miou', 1, 'percent', 't'), Documented('train_miou', 70.0, 'percent', 'text'))
    experiment = Experiment('toy/net', 'Net', '1', 'R', documented)
    own = replace(REPORT, ledger_variant='absent_as_zero@test_best')
    entry = enter(own, experiment, receipt, {'test': matrices[:2], 'train': matrices}, 'train_miou')
    assert entry.documented.value == 70.0
    assert entry.own == 'absent_as_zero'
    assert entry.value('pooled') == miou_averages(matrices)['pooled']


def test_a_score_documented_for_validation_only_stands_in_for_the_missing_one(matrices, receipt):
    experiment = Experiment('toy/net', 'Net', '1', 'R', (Documented('val_miou', 15.0, 'percent', 'text'),))
    assert enter(REPORT, experiment, receipt, {'test': matrices}).documented.metric == 'val_miou'


def test_without_a_documented_value_or_a_measured_one_nothing_is_inferred(matrices, experiment, receipt):
    silent = enter(REPORT, replace(experiment, documented=()), receipt, {'test': matrices})
    unmeasured = enter(REPORT, experiment, receipt, {'train': matrices})
    for entry in (silent, unmeasured):
        assert (entry.closest, entry.spanned, entry.inference) == (None, None, '')
    assert silent.value('pooled') is not None
    assert unmeasured.variants == ()


def test_an_own_way_that_this_run_cannot_tell_is_said_to_be_unmeasured(matrices, experiment, receipt):
    own = replace(REPORT, ledger_variant='pooled@centre')
    entry = enter(own, experiment, receipt, {'test': matrices})
    assert entry.value(entry.own) is None
    assert entry.inference.endswith('pooled@centre was not measured')


def test_what_the_ledger_does_not_know_is_refused(matrices, experiment, receipt):
    with pytest.raises(UnknownName, match=r"metric of the ledger 'mIoU': did you mean .*miou"):
        enter(REPORT, experiment, receipt, {'test': matrices}, 'mIoU')
    for name in ('per_imag', 'pooled@middle'):
        with pytest.raises(UnknownName, match=f"way of averaging of toy '{name}': did you mean"):
            enter(replace(REPORT, ledger_variant=name), experiment, receipt, {'test': matrices})
    with pytest.raises(ValueError, match='batch size 0; a batch has at least 1 image'):
        enter(REPORT, experiment, receipt, {'test': matrices}, batch_size=0)
    with pytest.raises(ValueError, match=r'must be \[N, K, K\]'):
        enter(REPORT, experiment, receipt, {'test': matrices[0]})


@pytest.fixture(scope='module')
def documented():
    return catalogue.load(paths.documented_dir())


def test_every_report_averages_in_a_way_the_ledger_knows(documented):
    ways = {slug: own_variant(report) for slug, report in documented.reports.items()}
    assert ways == {
        'deeplab_depth': 'pooled@centre',
        'hierarchical_attention': 'per_batch_as_coded',
        'kitti_ablation': 'absent_as_zero@test_best',
        'squeeze_edge': 'per_image_hit',
        'unet_phases': 'pooled',
    }
    assert own_variant(documented.reports['squeeze_edge'], 'pixel_accuracy') == 'pooled'
    assert own_variant(documented.reports['hierarchical_attention'], 'pixel_accuracy') == 'per_batch_as_coded'


def test_published_runs_enter_with_the_scores_of_their_receipts(documented):
    files = sorted((paths.repo_root() / 'reports' / 'measured').glob('*/*/*/confusion.npz'))
    assert len(files) >= 5
    for file in files:
        receipt = store.parse(file.with_name(store.RECEIPT).read_text(), str(file))
        experiment = documented.experiments[receipt.experiment]
        with np.load(file) as arrays:
            entry = enter(documented.reports[receipt.report], experiment, receipt, arrays)
            accuracy = enter(documented.reports[receipt.report], experiment, receipt, arrays, 'pixel_accuracy')
        names = {'pooled': 'miou', 'absent_as_zero': 'miou_absent_as_zero', 'per_image': 'miou_per_image'}
        for name, score in names.items():
            assert entry.value(name) == pytest.approx(receipt.metrics[score])
        assert accuracy.value('pooled') == pytest.approx(receipt.metrics['pixel_accuracy'])
        assert (entry.closest is None) == (entry.documented is None)
        # A mean over fewer classes, the worst ones left out, cannot lie below.
        assert entry.value('per_image_hit') >= entry.value('per_image_in_truth')
        assert entry.value('per_batch_as_coded') >= entry.value('per_batch')


def test_the_ledger_needs_no_torch():
    """It is read for the report, long after the runs."""
    program = "import sys, bench.judging.ledger; print('torch' in sys.modules)"
    assert subprocess.run([sys.executable, '-c', program], capture_output=True, text=True).stdout == 'False\n'
