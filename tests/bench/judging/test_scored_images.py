import numpy as np
import pytest

from bench.judging.resampling import RESAMPLES
from bench.judging.scored_images import ScoredImages, follows_from_images
from bench.measure import accuracy, boundary, detail, objects

CLASSES = ('road', 'sky', 'car')
K = len(CLASSES)


def matrices(seed, images):
    generator = np.random.default_rng(seed)
    stack = generator.integers(0, 50, (images, K, K))
    stack[:, range(K), range(K)] *= 5
    return stack


def write(folder, seed=0, names=None, **arrays):
    test, train = matrices(seed, 24), matrices(seed + 100, 12)
    folder.mkdir(exist_ok=True)
    names = names or [f'Seq05VD_f{index:05}' for index in range(24)]
    train_names = [f'0006R0_f{index:05}' for index in range(12)]
    np.savez(folder / 'confusion.npz', test=test, test_names=names, train=train, train_names=train_names, **arrays)
    return test, train


@pytest.fixture
def run(tmp_path):
    write(tmp_path / 'run')
    return ScoredImages(tmp_path / 'run', 'camvid', CLASSES)


def test_a_validated_score_follows_from_the_matrices_of_the_last_validation_where_they_are_stored(tmp_path):
    names = [f'0016E5_{index:05}' for index in range(18)]
    val = matrices(7, 18)
    write(tmp_path / 'with', val=val, val_names=names)
    write(tmp_path / 'without')
    assert follows_from_images('val_miou')
    assert not any(follows_from_images(metric) for metric in ('val_miou_std', 'final_val_loss', 'val_pixel_accuracy'))
    found = ScoredImages(tmp_path / 'with', 'camvid', CLASSES).replicates('val_miou')
    miou = accuracy.scores(val, CLASSES)['miou']
    assert np.mean(found.drawn) == pytest.approx(miou, abs=4 * found.drawn.std() / RESAMPLES**0.5 + 0.1)
    assert (found.drawn.std() > 0, found.freedom) == (True, 2)
    assert ScoredImages(tmp_path / 'without', 'camvid', CLASSES).replicates('val_miou') is None


def test_what_else_is_scored_does_not_change_with_the_matrices_of_the_last_validation(tmp_path):
    write(tmp_path / 'with', val=matrices(7, 18), val_names=[str(index) for index in range(18)])
    write(tmp_path / 'without')
    for metric in ('miou', 'train_miou', 'iou.car'):
        one, two = (
            ScoredImages(tmp_path / name, 'camvid', CLASSES).replicates(metric).drawn for name in ('with', 'without')
        )
        assert (one == two).all()


@pytest.mark.parametrize('metric', ['miou', 'pixel_accuracy', 'train_miou', 'iou.car', 'generalisation_gap'])
def test_replicates_scatter_around_the_score(tmp_path, metric):
    test, train = write(tmp_path / 'run')
    on_test, on_train = accuracy.scores(test, CLASSES), accuracy.scores(train, CLASSES)
    expected = {
        'miou': on_test['miou'],
        'pixel_accuracy': on_test['pixel_accuracy'],
        'train_miou': on_train['miou'],
        'iou.car': on_test['per_class_iou']['car'],
        'generalisation_gap': on_train['miou'] - on_test['miou'],
    }
    assert follows_from_images(metric)
    found = ScoredImages(tmp_path / 'run', 'camvid', CLASSES).replicates(metric)
    replicates, freedom = found.drawn, found.freedom
    assert replicates.shape == (RESAMPLES,)
    assert np.mean(replicates) == pytest.approx(expected[metric], abs=4 * replicates.std() / RESAMPLES**0.5 + 0.1)
    assert replicates.std() > 0
    # A drive is drawn in blocks of frames: 24 make 4, 12 make 3.
    assert freedom == (2 if 'train' in metric or 'gap' in metric else 3)


def test_runs_on_the_same_images_are_resampled_alike_and_on_others_apart(tmp_path):
    for folder, names in (('one', None), ('two', None), ('other', [f'0001TP_{i:06}' for i in range(24)])):
        write(tmp_path / folder, names=names)
    one, two, other = (
        ScoredImages(tmp_path / name, 'camvid', CLASSES).replicates('miou').drawn for name in ('one', 'two', 'other')
    )
    assert (one == two).all()
    assert abs(np.corrcoef(one, other)[0, 1]) < 0.15


def test_images_of_an_unknown_data_set_stand_alone(tmp_path):
    write(tmp_path / 'run')
    assert ScoredImages(tmp_path / 'run', 'mine', CLASSES).replicates('miou').freedom == 23


def test_what_is_not_stored_has_no_replicates(tmp_path, run):
    assert ScoredImages(tmp_path / 'nowhere', 'camvid', CLASSES).replicates('miou') is None
    assert ScoredImages(tmp_path / 'run', 'camvid', ('road', 'sky')).replicates('miou') is None
    assert run.replicates('boundary_f') is None
    assert run.replicates('iou.bicycle') is None
    assert run.detail('miou_small') is None
    np.savez(tmp_path / 'run' / 'confusion.npz', test=np.ones((1, K, K), int))
    assert ScoredImages(tmp_path / 'run', 'camvid', CLASSES).replicates('generalisation_gap') is None


def test_pixels_of_two_classes_are_counted_on_the_training_images(tmp_path):
    _, train = write(tmp_path / 'run')
    run = ScoredImages(tmp_path / 'run', 'camvid', CLASSES)
    pixels = train.sum(axis=(0, 2))
    assert run.pixel_ratio('class_pixel_ratio.road/car') == pixels[0] / pixels[2]
    assert run.pixel_ratio('class_pixel_ratio.road/bicycle') is None
    assert run.images('train') == 12
    replicates = run.replicates('class_pixel_ratio.road/car').drawn
    assert replicates.mean() == pytest.approx(pixels[0] / pixels[2], rel=0.1)


def test_boundaries_and_objects_follow_from_their_own_counts(tmp_path):
    generator = np.random.default_rng(0)
    truth = generator.integers(0, K, (24, 40, 60)).astype(np.int64)
    truth[:, 5:35, 10:50] = 1
    prediction = np.where(generator.random(truth.shape) < 0.8, truth, 0)
    counts = detail.stack([detail.image_counts(p, t, K) for p, t in zip(prediction, truth, strict=True)])
    kept = {name: counts[name] for name in ('boundary_f', 'objects')}
    write(tmp_path / 'run', **kept)
    run = ScoredImages(tmp_path / 'run', 'camvid', CLASSES)
    pooled = boundary.f_scores(counts['boundary_f'].sum(axis=0))
    assert run.detail('boundary_f') == pytest.approx(100 * np.nanmean(pooled))
    by_size = np.nanmean(objects.object_iou(counts['objects'].sum(axis=0)), axis=0)
    assert run.detail('miou_small') == pytest.approx(100 * by_size[0])
    assert run.detail('miou_large') == pytest.approx(100 * by_size[2])
    for metric in ('boundary_f', 'miou_small'):
        replicates = run.replicates(metric).drawn
        assert replicates.mean() == pytest.approx(run.detail(metric), abs=1.0)
        assert replicates.std() > 0
