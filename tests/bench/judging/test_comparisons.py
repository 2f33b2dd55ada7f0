import sys
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from bench.claims import NEVER
from bench.judging import words
from bench.judging.comparisons import against_number, beyond, compare, in_order
from bench.judging.samples import Sample
from bench.judging.uncertainty import ALPHA, Spread

sys.path.insert(0, str(Path(__file__).parent))

from toy import IMAGES, answer, check, sample, scored


@pytest.fixture
def generator():
    return np.random.default_rng(0)


def test_a_difference_over_seeds_is_the_paired_t_test(generator):
    first, second = generator.normal(41, 1, 4), generator.normal(40, 1, 4)
    outcome = compare(check('greater'), sample('a', *first), sample('b', *second), None, 'percent')
    test = stats.ttest_rel(first, second, alternative='greater')
    assert outcome.holds == pytest.approx(test.pvalue)
    assert outcome.fails == pytest.approx(1 - test.pvalue)
    assert (outcome.low, outcome.high) == pytest.approx(stats.ttest_rel(first, second).confidence_interval())
    assert outcome.effect == pytest.approx((first - second).mean())
    assert outcome.seeds == 4


def test_only_seeds_that_both_ran_are_compared():
    first = Sample('toy/a', 'miou', {0: 10.0, 1: 50.0, 2: 51.0})
    second = Sample('toy/b', 'miou', {1: 40.0, 2: 41.5, 3: 90.0})
    outcome = compare(check('greater'), first, second, None, 'percent')
    assert (outcome.effect, outcome.seeds) == (9.75, 2)
    assert compare(check('greater'), first, Sample('toy/b', 'miou', {7: 1.0}), None, 'percent') is None


def test_what_makes_an_image_hard_for_both_cancels(generator):
    """The same images: a difference of 1 stands out although the images differ by 20."""
    hard = generator.normal(50, 20, IMAGES)
    first = scored('a', (hard + 1 + generator.normal(0, 1, IMAGES))[None])
    second = scored('b', hard[None])
    assert answer(compare(check('greater'), first, second, None, 'percent')) == 'yes'
    alone = against_number(check('at_least', 49.0, than=()), first, None, 'percent')
    assert answer(alone) == 'open'


def test_one_seed_is_open_where_the_images_leave_the_margin_open_and_decided_where_not(generator):
    images = generator.normal(0, 3, IMAGES)
    first, second = scored('a', (50 + images)[None]), scored('b', np.full((1, IMAGES), 50.0))
    difference = float(images.mean())
    for margin, expected in ((difference - 3, 'yes'), (difference, 'open'), (difference + 3, 'no')):
        assert answer(compare(check('greater', margin=margin), first, second, None, 'percent')) == expected


def test_one_seed_says_less_where_seeds_are_known_to_differ(generator):
    images = generator.normal(2, 1, IMAGES)
    first, second = scored('a', (50 + images)[None]), scored('b', np.full((1, IMAGES), 50.0))
    alone = compare(check('greater'), first, second, None, 'percent')
    beside_others = compare(check('greater'), first, second, Spread(1.5, 8), 'percent')
    assert (answer(alone), answer(beside_others)) == ('yes', 'open')
    assert 'over images alone' in alone.phrase
    assert 'spread over seeds as in the other models' in beside_others.phrase
    # Two of the same spread: the deviation of their difference is larger by the root of two.
    assert beside_others.high - beside_others.low > 2 * 2.3 * 1.5 * 2**0.5


@pytest.mark.parametrize(
    ('relation', 'value', 'margin'),
    [('greater', None, None), ('less', None, None), ('equal', None, 1.0), ('ratio', 1.0, 0.1)],
)
@pytest.mark.parametrize('second', [2.5, 3.7])
def test_equal_scores_of_every_seed_and_image_are_not_exact(relation, value, margin, second):
    """Networks that predict one class: nothing moves them, and nothing is known of what would."""
    first, other = scored('a', np.full((2, IMAGES), 2.5)), scored('b', np.full((2, IMAGES), second))
    outcome = compare(check(relation, value, margin), first, other, None, 'percent')
    assert (answer(outcome), outcome.low, outcome.high) == ('open', None, None)
    assert 'no interval' in outcome.phrase
    assert answer(in_order(check('order', 0.5), [first, other], None)) == 'open'


def test_equal_scores_are_held_against_the_spread_of_the_other_models():
    first, other = scored('a', np.full((2, IMAGES), 12.5)), scored('b', np.full((2, IMAGES), 2.5))
    for deviation, expected in ((0.5, 'yes'), (9.0, 'open'), (0.0, 'open')):
        outcome = compare(check('greater'), first, other, Spread(deviation, 8), 'percent')
        assert answer(outcome) == expected
        assert ('2 seeds, spread over seeds as in the other models' in outcome.phrase) == (deviation > 0)
    wide = compare(check('greater'), first, other, Spread(0.5, 8), 'percent')
    # A mean over two seeds of a difference of two: the deviation of one run.
    assert wide.high - wide.effect == pytest.approx(0.5 * stats.t.ppf(0.975, 8), rel=1e-3)


def test_one_timing_is_told_to_rest_on_its_own_noise_and_settles_nothing_where_that_is_not_known():
    less = check('less', metric='latency_ms')
    of, other = sample('a', 5.0, errors={0: 0.3}), sample('b', 9.0, errors={0: 0.4})
    outcome = compare(less, of, other, None, 'ms')
    assert answer(outcome) == 'yes'
    assert outcome.phrase.endswith(', the noise of timing alone)')
    assert outcome.high - outcome.low == pytest.approx(2 * 1.96 * 0.5, rel=1e-3)
    for pair in ((sample('a', 5.0), other), (of, sample('b', 9.0))):
        outcome = compare(less, *pair, None, 'ms')
        assert (answer(outcome), outcome.low) == ('open', None)


def test_what_an_interval_over_seeds_covers_is_told(generator):
    images = generator.normal(50, 3, (3, IMAGES))
    first, second = scored('a', images), scored('b', images + generator.normal(0, 1, (3, IMAGES)))
    assert compare(check('greater'), first, second, None, '').phrase.endswith(', 3 seeds)')
    bare = sample('b', *second.values.values())
    assert compare(check('greater'), first, bare, None, '').phrase.endswith(', over 3 seeds alone)')


def test_one_value_without_images_settles_nothing():
    outcome = compare(check('greater'), sample('a', 90.0), sample('b', 10.0), None, 'percent')
    assert answer(outcome) == 'open'
    assert (outcome.low, outcome.high) == (None, None)
    assert '(1 seed, no interval)' in outcome.phrase


@pytest.mark.parametrize(
    ('seeds', 'seed_deviation', 'image_deviation'), [(2, 1, 2), (3, 1, 5), (3, 0.3, 5), (5, 1, 5), (10, 1, 5)]
)
def test_the_interval_of_a_paired_difference_covers_it_as_often_as_it_says(
    generator, seeds, seed_deviation, image_deviation
):
    """New images and new seeds in every study; twins are told apart in one study of twenty at most.

    Where two or three seeds and the images both matter, the interval is somewhat long: it covers up to 97 % of studies,
    where Welch's would cover 89 to 94 %. Two standard errors of these studies are one percent.
    """
    studies, covered, told_apart = 2000, 0, 0
    for _ in range(studies):
        hard = generator.normal(50, 10, IMAGES)
        which = generator.normal(0, image_deviation, IMAGES) + generator.normal(0, image_deviation, (seeds, IMAGES))
        first = hard + which + generator.normal(0, seed_deviation, (seeds, 1))
        second = np.tile(hard, (seeds, 1))
        outcome = compare(check('greater'), scored('a', first), scored('b', second), None, 'percent')
        covered += outcome.low <= 0 <= outcome.high
        told_apart += answer(outcome) != 'open'
    assert 0.94 <= covered / studies <= 0.975
    assert told_apart == studies - covered


@pytest.mark.parametrize(
    ('relation', 'effect', 'margin', 'expected'),
    [
        ('greater', 3.0, 1.0, 'yes'),
        ('greater', 0.0, 1.0, 'no'),
        ('greater', 1.0, 1.0, 'open'),
        ('less', -3.0, 1.0, 'yes'),
        ('less', 0.0, 1.0, 'no'),
        ('less', -1.0, 1.0, 'open'),
        ('equal', 0.0, 2.0, 'yes'),
        ('equal', 2.0, 2.0, 'open'),
        ('equal', -5.0, 2.0, 'no'),
        ('equal', 0.0, 0.1, 'open'),
    ],
)
def test_margins(relation, effect, margin, expected):
    other = np.array([40.0, 41.0, 39.0, 40.0])
    of = other + effect + np.array([0.2, -0.2, 0.2, -0.2])
    outcome = compare(check(relation, margin=margin), sample('a', *of), sample('b', *other), None, 'percent')
    assert answer(outcome) == expected
    assert outcome.low <= outcome.effect <= outcome.high


@pytest.mark.parametrize(('times', 'expected'), [(4.0, 'yes'), (4.3, 'yes'), (2.0, 'no'), (4.8, 'open'), (9.0, 'no')])
def test_a_ratio_of_measured_values(times, expected):
    other = np.array([10.0, 11.0, 10.5])
    of = times * other * np.array([1.01, 0.99, 1.0])
    outcome = compare(check('ratio', 4.0, 0.2), sample('a', *of), sample('b', *other), None, 's')
    assert outcome.effect == pytest.approx(times, rel=1e-3)
    assert answer(outcome) == expected
    assert outcome.low < outcome.effect < outcome.high


@pytest.mark.parametrize(('times', 'expected'), [(3.0, 'yes'), (1.7, 'yes'), (1.2, 'no')])
def test_a_ratio_from_a_value_on_has_no_upper_end(times, expected):
    other = sample('b', 10.0, 10.1, 9.9, 10.05)
    of = sample('a', *(times * value * (1 + 0.01 * seed) for seed, value in other.values.items()))
    outcome = compare(check('ratio_at_least', 1.5), of, other, None, '')
    assert answer(outcome) == expected
    assert outcome.low < outcome.effect < outcome.high


@pytest.mark.parametrize(
    ('floor', 'expected', 'told'),
    [
        (16.9, 'yes', 'a ran out of memory, more than the 16.9 GB of its device'),
        (8.6, 'open', 'a ran out of memory, more than the 8.6 GB of its device'),
        (0.0, 'open', 'a ran out of memory on a device of unknown size'),
    ],
)
def test_running_out_of_memory_is_a_bound_from_below(floor, expected, told):
    of = Sample('toy/a', 'train_memory_gb', runs=('toy/a/run-seed0',), floor=floor, obstacle='failed', reason='oom')
    outcome = beyond(check('at_least', 14.4, metric='train_memory_gb', than=()), of, 'GB')
    assert answer(outcome) == expected and outcome.phrase == told


def test_one_timing_has_the_error_of_its_own_median():
    first = sample('a', 8.0, metric='latency_ms', errors={0: 0.1})
    second = sample('b', 4.0, metric='latency_ms', errors={0: 0.05})
    outcome = compare(check('ratio', 2.0, 0.1, 'latency_ms'), first, second, None, 'ms')
    assert answer(outcome) == 'yes'
    # Relative errors of 1.25 % each.
    assert outcome.high / outcome.effect == pytest.approx(np.exp(1.96 * 0.0125 * 2**0.5), rel=1e-4)
    slower = compare(check('greater', metric='latency_ms'), first, second, None, 'ms')
    assert slower.high - slower.low == pytest.approx(2 * 1.96 * (0.1**2 + 0.05**2) ** 0.5, rel=1e-4)


@pytest.mark.parametrize(
    ('values', 'documented', 'margin', 'expected'),
    [
        # Half-width of the prediction interval at three seeds: 4.97 deviations.
        ((28.0, 28.1, 27.9), 28.3, 1.0, 'yes'),
        ((28.0, 28.1, 27.9), 28.3, 0.4, 'open'),
        ((26.0, 28.0, 30.0), 28.0, 1.0, 'open'),
        ((28.0, 28.1, 27.9), 30.0, 1.0, 'no'),
        ((28.0, 28.1, 27.9), 28.7, 1.0, 'open'),
        ((28.0, 28.0, 28.0), 28.7, 1.0, 'open'),
        ((28.0, 28.0, 28.0), 29.7, 1.0, 'open'),
        ((28.0, 28.4), 30.0, 1.0, 'open'),
    ],
)
def test_a_documented_number_is_compared_with_one_more_run(values, documented, margin, expected):
    outcome = against_number(check('value', documented, margin, than=()), sample('a', *values), None, 'percent')
    assert answer(outcome) == expected


def test_one_run_speaks_against_a_number_but_never_for_it(generator):
    of = scored('a', generator.normal(40, 1, (1, IMAGES)))
    same = against_number(check('value', 40.0, 2.0, than=()), of, None, 'percent')
    other = against_number(check('value', 28.0, 2.0, than=()), of, None, 'percent')
    assert (answer(same), answer(other)) == ('open', 'no')


def test_one_run_with_the_spread_of_other_models_is_compared_with_one_more_run():
    """Spread 2 with ten degrees of freedom: one more run lies within t 2 sqrt(2) = 6.3 points of the first."""
    usual = Spread(2.0, 10)
    near, far, equal = (
        against_number(check('value', documented, 1.0, than=()), sample('a', 50.0), usual, 'percent')
        for documented in (56.0, 57.0, 50.0)
    )
    assert (answer(near), answer(far), answer(equal)) == ('open', 'no', 'open')
    assert near.high - near.effect == pytest.approx(stats.t.ppf(0.975, 10) * 2 * 2**0.5)
    assert '1 seed, spread over seeds alone as in the other models' in near.phrase


def test_an_order_that_seeds_and_images_cannot_shake():
    values = (10.0, 20.0, 30.0, 40.0)
    names = ('a', 'b', 'c', 'd')
    clear = [sample(name, value - 0.1, value + 0.1, value) for name, value in zip(names, values, strict=True)]
    vague = [sample(name, value - 30, value + 30, value) for name, value in zip(names, values, strict=True)]
    order = check('order', 0.8, than=('toy/b', 'toy/c', 'toy/d'))
    assert answer(in_order(order, clear, None)) == 'yes'
    assert answer(in_order(order, clear[::-1], None)) == 'no'
    assert in_order(order, clear[::-1], None).effect == -1
    outcome = in_order(order, vague, None)
    assert answer(outcome) == 'open'
    assert outcome.effect == 1
    assert outcome.low < 0.5


def test_an_order_of_counts_is_exact_and_one_of_single_values_unknown():
    counts = [sample(name, value, exact=True) for name, value in (('a', 1.0), ('b', 3.0), ('c', 2.0))]
    order = check('order', 0.3, than=('toy/b', 'toy/c'))
    outcome = in_order(order, counts, None)
    assert (outcome.effect, outcome.low) == (pytest.approx(1 / 3), pytest.approx(1 / 3))
    assert answer(outcome) == 'yes'
    single = [sample(name, value) for name, value in (('a', 1.0), ('b', 3.0), ('c', 2.0))]
    assert answer(in_order(order, single, None)) == 'open'


def test_images_move_an_order_together(generator):
    """Where every resample moves all experiments alike, the order stands although each score is vague."""
    hard = generator.normal(50, 30, IMAGES)
    samples = [scored(name, (hard + rise)[None]) for name, rise in (('a', 0.0), ('b', 1.0), ('c', 2.0))]
    assert answer(in_order(check('order', 1.0, than=('toy/b', 'toy/c')), samples, None)) == 'yes'


def test_seeds_that_would_settle_an_open_difference_are_told():
    first, second = sample('a', 42.0, 40.0, 43.5), sample('b', 40.0, 40.0, 40.0)
    outcome = compare(check('greater'), first, second, None, 'percent')
    assert answer(outcome) == 'open'
    assert outcome.needed(ALPHA) > 3
    assert NEVER > outcome.needed(ALPHA / 50) > outcome.needed(ALPHA)


def test_seeds_that_would_not_do_are_told_from_a_spread_that_is_not_known(generator):
    """Where the images leave it open no seed helps; one seed alone does not say how far the next would lie."""
    hard = generator.normal(0, 3, IMAGES)
    images = hard - hard.mean() + np.array([[0.0], [0.1], [0.2]])
    first, second = scored('a', 50 + images), scored('b', np.full((3, IMAGES), 50.0))
    assert compare(check('greater'), first, second, None, 'percent').needed(ALPHA) == NEVER
    alone = compare(check('greater'), scored('a', 50 + images[:1]), scored('b', np.full((1, IMAGES), 50.0)), None, '')
    assert alone.needed(ALPHA) is None
    run = against_number(check('value', 50.0, 0.0, than=()), sample('a', 50.0, 51.0), None, 'percent')
    assert run.needed(ALPHA) == NEVER, 'no number of runs leaves the next one no room'


def test_the_measurement_is_told_in_words():
    outcome = compare(check('greater', margin=1.0), sample('a', 42.0, 43.0), sample('b', 40.0, 40.5), None, 'percent')
    assert outcome.phrase.startswith('the mIoU of a minus that of b is 2.25 points (95 % between ')
    assert outcome.phrase.endswith(', over 2 seeds alone)')
    assert outcome.claimed == 'more than 1 is claimed'


def test_a_bound_of_hundreds_of_digits_is_told_in_a_few():
    assert [words.number(value) for value in (1.5e300, 12345.6, 0.123456)] == ['1.5e+300', '12,346', '0.1235']
