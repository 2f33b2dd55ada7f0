import numpy as np
import pytest
from scipy import stats

from bench.judging import resampling
from bench.judging.resampling import (
    FEWEST_BLOCKS,
    Grouping,
    ImageCounts,
    LeftOut,
    Resamples,
    blocks,
    draw,
    image_error,
    image_interval,
    score,
)
from bench.measure import accuracy

K = 4
NAMES = ('road', 'sky', 'car', 'pole')


def photographs(generator, count):
    """Confusion matrices [N, K, K] of pictures that are more or less hard, with a class that most of them lack."""
    shares = generator.dirichlet([4, 3, 2, 0.5], count) * (generator.random((count, K)) < [1, 1, 0.8, 0.3])
    ease = generator.normal(0, 0.8, (count, 1))
    right = 1 / (1 + np.exp(-ease - [2, 1, 0.5, 0]))
    truth = np.round(1000 * shares).astype(int)
    hits = generator.binomial(truth, right)
    matrices = np.zeros((count, K, K), int)
    for label in range(K):
        matrices[:, label, label] = hits[:, label]
        matrices[:, label, (label + 1) % K] = truth[:, label] - hits[:, label]
    return matrices


def alone(images):
    return Grouping(np.arange(images))


def taking(*weights):
    """The images, each a block of its own, taken as often as ``weights`` [R, N] say."""
    return Resamples(alone(len(weights[0])), np.array(weights, float))


def interval(counts, metric, sequences, class_names=(), seed=0):
    grouping = Grouping(blocks(sequences))
    drawn = score(counts, draw(grouping, seed), metric, class_names)
    [measured] = score(counts, taking(np.ones(len(counts))), metric, class_names)
    return image_interval(measured, drawn, score(counts, LeftOut(grouping), metric, class_names))


@pytest.fixture
def generator():
    return np.random.default_rng(0)


@pytest.mark.parametrize('metric', resampling.POOLED)
def test_all_images_once_give_the_score_of_the_receipt(generator, metric):
    matrices = photographs(generator, 12)
    [value] = score(ImageCounts.of(matrices), taking(np.ones(12)), metric)
    assert value == pytest.approx(accuracy.scores(matrices, NAMES)[metric])


@pytest.mark.parametrize('metric', [*resampling.POOLED, 'iou.car'])
def test_a_weight_of_two_is_an_image_twice_and_of_zero_none(generator, metric):
    matrices = photographs(generator, 5)
    weights = [[2, 0, 1, 0, 1], [0, 0, 0, 3, 0]]
    found = score(ImageCounts.of(matrices), taking(*weights), metric, NAMES)
    for row, value in zip(weights, found, strict=True):
        scores = accuracy.scores(np.repeat(matrices, row, axis=0), NAMES)
        assert value == pytest.approx(scores['per_class_iou']['car'] if metric == 'iou.car' else scores[metric])


def test_a_class_that_a_resample_lacks_is_left_out_and_no_image_has_no_score(generator):
    matrices = photographs(generator, 3)
    matrices[0, 3] = matrices[0, :, 3] = 0
    counts = ImageCounts.of(matrices)
    one = taking([1, 0, 0])
    assert score(counts, one, 'miou') == pytest.approx(score(counts, one, 'miou_absent_as_zero') * 4 / 3)
    assert np.isnan(score(counts, taking(np.zeros(3)), 'miou')).all()
    assert np.isnan(score(counts, one, 'iou.pole', NAMES)).all()


def test_a_score_that_matrices_do_not_hold_is_refused(generator):
    with pytest.raises(ValueError, match=r"'boundary_f' does not follow .* miou, .*, miou_per_image"):
        score(ImageCounts.of(photographs(generator, 2)), taking([1, 1]), 'boundary_f')


@pytest.mark.parametrize('images', [12, 23, 60])
def test_the_interval_covers_the_truth_as_often_as_it_says(generator, images):
    """Coverage of 95 % over 800 studies has a standard error of 0.8 points. CamVid's test images are 23 blocks."""
    all_of_them = ImageCounts.of(photographs(generator, 100_000))
    [truth] = score(all_of_them, Resamples(Grouping(np.zeros(100_000, int)), np.ones((1, 1))), 'miou')
    names = [str(index) for index in range(images)]
    covered = 0
    for study in range(800):
        chosen = generator.integers(0, 100_000, images)
        sample = ImageCounts(*(part[chosen] for part in vars(all_of_them).values()))
        low, high = interval(sample, 'miou', names, seed=study)
        covered += low <= truth <= high
    assert 0.93 <= covered / 800 <= 0.98


def test_the_corrected_interval_is_scipys(generator):
    """At the level it is widened to, on images of very different sizes: bias and skew move the ends by a thirtieth."""
    truth = np.round(1000 * generator.lognormal(0, 1.5, (25, 1)))
    hits = np.round(truth * generator.beta(2, 1, (25, 1)) / (1 + truth / 5000))
    counts = ImageCounts(hits, truth, truth)

    def statistic(indices, axis):
        return 100 * hits[indices, 0].sum(axis=-1) / truth[indices, 0].sum(axis=-1)

    level = 1 - 2 * stats.norm.cdf(stats.t.ppf(0.025, 24) * np.sqrt(25 / 24))
    options = dict(vectorized=True, n_resamples=20_000, method='BCa', rng=np.random.default_rng(1))
    options['confidence_level'] = level
    theirs = stats.bootstrap((np.arange(25),), statistic, **options).confidence_interval
    names = [str(index) for index in range(25)]
    ends = [interval(counts, 'pixel_accuracy', names, seed=seed) for seed in range(20)]
    drawn = [score(counts, draw(alone(25), seed), 'pixel_accuracy') for seed in range(20)]
    plain = [np.quantile(one, ((1 - level) / 2, (1 + level) / 2)) for one in drawn]
    width = theirs.high - theirs.low
    assert np.mean(ends, axis=0) == pytest.approx((theirs.low, theirs.high), abs=0.022 * width)
    assert np.abs(np.mean(plain, axis=0) - (theirs.low, theirs.high)).max() > 0.03 * width


def test_the_same_seed_draws_the_same_images(generator):
    counts = ImageCounts.of(photographs(generator, 30))
    names = [str(index) for index in range(30)]
    assert interval(counts, 'miou', names) == interval(counts, 'miou', names)
    assert interval(counts, 'miou', names) != interval(counts, 'miou', names, seed=1)


def test_too_few_images_have_no_interval(generator):
    names = [str(index) for index in range(FEWEST_BLOCKS)]
    counts = ImageCounts.of(photographs(generator, len(names)))
    assert interval(counts, 'miou', ['one'] * len(names)) is None
    assert interval(counts, 'miou', [names[0], *names[:-1]]) is None
    assert interval(counts, 'iou.pole', names, ('pole', 'x', 'y', 'z')) is not None


def test_every_image_of_its_own_is_a_block_and_a_drive_is_cut_into_runs_of_frames():
    assert blocks(['a', 'b', 'c']).tolist() == [0, 1, 2]
    drive = blocks(['x'] * 171 + ['y'] * 62 + ['z'])
    assert (np.diff(drive) >= 0).all()
    assert drive.max() + 1 == 15 + 8 + 1
    lengths = np.bincount(drive)
    assert set(lengths[:15]) == {11, 12}
    assert set(lengths[15:23]) == {7, 8}
    assert not set(drive[:171]) & set(drive[171:])
    assert blocks(['x', 'y', 'x', 'y']).tolist() == [0, 1, 0, 1]


def test_a_block_is_drawn_as_a_whole_and_left_out_as_a_whole():
    grouping = Grouping(np.array([0, 0, 1, 2, 2, 2]))
    drawn = draw(grouping, seed=3)
    assert drawn.weights.shape == (resampling.RESAMPLES, 3)
    assert (drawn.weights.sum(axis=1) == 3).all()
    assert drawn.weights.mean() == pytest.approx(1.0, abs=0.05)
    assert grouping.count == 3
    rest = LeftOut(grouping).sums(np.eye(6)).tolist()
    assert rest == [[0, 0, 1, 1, 1, 1], [1, 1, 0, 1, 1, 1], [1, 1, 1, 0, 0, 0]]


def test_sums_are_those_of_every_image_as_often_as_its_block_is_taken(generator):
    """Over blocks whose images do not lie side by side, to the last digit of whole numbers."""
    block_of, values = generator.permutation([0, 0, 1, 2, 2, 2, 3, 3]), generator.integers(0, 10**9, (8, 5, 2))
    chosen = draw(Grouping(block_of), seed=3)
    expected = [np.repeat(values, row[block_of].astype(int), axis=0).sum(axis=0) for row in chosen.weights]
    np.testing.assert_array_equal(chosen.sums(values), expected)


def test_frames_that_look_alike_need_blocks(generator):
    """Over frames of which each remembers the last, single images promise far too much."""
    frames, covered = 200, {'x': 0, 'alone': 0}
    for study in range(150):
        noise = generator.normal(0, 1, frames)
        quality = np.zeros(frames)
        for frame in range(1, frames):
            quality[frame] = 0.6 * quality[frame - 1] + 0.8 * noise[frame]
        hits = np.round(500 + 100 * quality).clip(0, 1000)
        counts = ImageCounts(hits[:, None], np.full((frames, 1), 1000.0), hits[:, None])
        names = {'x': ['x'] * frames, 'alone': [str(frame) for frame in range(frames)]}
        for kind in covered:
            low, high = interval(counts, 'pixel_accuracy', names[kind], seed=study)
            covered[kind] += low <= 50 <= high
    assert covered['x'] / 150 > 0.87
    assert covered['alone'] / 150 < 0.75


def test_what_seeds_already_spread_is_not_counted_twice(generator):
    images, seeds = 80, 3
    weights = draw(alone(images), seed=0).weights / images
    common, own = generator.normal(0, 10, images), generator.normal(0, 10, (seeds, images))
    together = np.stack([weights @ (common + one) for one in own])
    assert image_error(together) == pytest.approx(common.std() / np.sqrt(images), rel=0.25)
    assert image_error(together) < together.mean(axis=0).std()
    assert image_error(np.stack([weights @ common] * 3)) == pytest.approx((weights @ common).std(ddof=1))


def test_resamples_without_a_score_are_left_out():
    assert image_error(np.array([[1.0, 3.0, np.nan, 5.0]])) == pytest.approx(2.0)
    assert image_error(np.array([[1.0, np.nan]])) == 0.0
