import itertools

import numpy as np
import pytest
from scipy import stats

from bench.judging import uncertainty
from bench.judging.uncertainty import ALPHA, Estimate, Spread, adjusted, estimate

SIMULATIONS = 2000


@pytest.fixture
def generator():
    return np.random.default_rng(0)


@pytest.mark.parametrize(('seeds', 'image_error'), [(2, 0.7), (3, 0.7), (3, 2.0), (5, 0.3), (5, 1.0)])
def test_the_interval_covers_the_truth_as_often_as_it_says(generator, seeds, image_error):
    """Both seeds and images are drawn anew, as a reader who repeats the study would."""
    images = 60
    covered = 0
    for _ in range(SIMULATIONS):
        values = generator.normal(0, 1, seeds) + generator.normal(0, image_error)
        estimated = image_error * np.sqrt(generator.chisquare(images - 1) / (images - 1))
        low, high = estimate(values, estimated, images - 1).interval()
        covered += low <= 0 <= high
    assert 0.93 <= covered / SIMULATIONS <= 0.98


@pytest.mark.parametrize('seeds', [2, 3, 8])
def test_seeds_alone_give_the_t_interval(generator, seeds):
    values = generator.normal(5, 1, seeds)
    low, high = estimate(values).interval()
    expected = stats.t.interval(0.95, seeds - 1, np.mean(values), stats.sem(values))
    assert (low, high) == pytest.approx(expected)
    assert estimate(values).p_above(4.0) == pytest.approx(stats.ttest_1samp(values, 4.0, alternative='greater').pvalue)


@pytest.mark.parametrize(('errors'), [(1.0, 0.0), (0.0, 1.0), (0.6, 0.8), (2.0, 0.1)])
@pytest.mark.parametrize('share', [1e-9, 0.025, 0.2])
@pytest.mark.parametrize('freedoms', [(2, 40), (8, 300), (1, float('inf'))])
def test_interval_and_p_value_are_each_others_inverse(errors, share, freedoms):
    measured = Estimate(3.0, errors[0], freedoms[0], errors[1], freedoms[1])
    bound = 3.0 + measured.half_width(share)
    assert measured.p_above(bound) == pytest.approx(share, rel=1e-3)
    assert measured.p_below(bound) == pytest.approx(1 - share)
    low, high = measured.interval()
    assert measured.p_above(low) == pytest.approx(ALPHA)
    assert measured.p_below(high) == pytest.approx(ALPHA)


def test_an_exact_value_leaves_no_doubt_and_an_unknown_error_all():
    exact, unknown = Estimate(2.0), Estimate(2.0, float('inf'))
    assert exact.interval() == (2.0, 2.0)
    assert (exact.p_above(1.9), exact.p_above(2.0), exact.p_below(2.1), exact.p_within(2.0, 2.0)) == (0, 1, 0, 0)
    assert unknown.p_above(-100.0) == 0.5
    assert unknown.interval() == (-float('inf'), float('inf'))


def test_a_single_value_takes_the_usual_spread_and_several_take_their_own():
    usual = Spread(2.0, 10)
    assert estimate([4.0], usual=usual).deviation == 2.0
    assert estimate([4.0], usual=usual).seed_freedom == 10
    assert estimate([4.0, 6.0], usual=usual).deviation == pytest.approx(2**0.5)
    assert estimate([4.0]).deviation is None
    assert [estimate(values, usual=usual).borrowed for values in ([4.0], [4.0, 4.0], [4.0, 6.0])] == [True, True, False]
    # What rounding leaves is no spread.
    assert estimate([1e-16, 3e-16], usual=usual).deviation == 2.0
    assert estimate([4.0, 4.0], usual=Spread(0.0, 10)).deviation is None
    with pytest.raises(ValueError, match='needs the value of at least one seed'):
        estimate([])


@pytest.mark.parametrize('effect', [0.0, 1.0])
def test_equality_is_rarely_found_at_the_margin_and_mostly_at_zero(generator, effect):
    """At the margin TOST errs at most as often as alpha allows."""
    found = 0
    for _ in range(SIMULATIONS):
        found += estimate(generator.normal(effect, 0.5, 8)).p_within(-1, 1) <= ALPHA
    assert found / SIMULATIONS <= 0.035 if effect else found / SIMULATIONS > 0.9


def test_few_false_verdicts_when_there_is_no_difference(generator):
    wrong = 0
    for _ in range(SIMULATIONS):
        measured = estimate(generator.normal(0, 1, 3), 0.0)
        wrong += min(measured.p_above(0), measured.p_below(0)) <= ALPHA
    assert 0.035 <= wrong / SIMULATIONS <= 0.065


@pytest.mark.parametrize('seeds', [2, 3, 6])
def test_one_more_run_lies_in_the_prediction_interval(generator, seeds):
    runs = generator.normal(0, 1, (20_000, seeds + 1))
    ours, documented = runs[:, :seeds], runs[:, seeds]
    half = ours.std(axis=1, ddof=1) * uncertainty.prediction_half_width(1.0, seeds)
    assert np.mean(abs(documented - ours.mean(axis=1)) <= half) == pytest.approx(0.95, abs=0.006)


def test_the_prediction_interval_of_two_and_three_seeds_is_wide():
    assert uncertainty.prediction_half_width(1.0, 2) == pytest.approx(15.56, abs=0.01)
    assert uncertainty.prediction_half_width(1.0, 3) == pytest.approx(4.97, abs=0.01)
    with pytest.raises(ValueError, match='1 seeds: a prediction interval needs at least 2'):
        uncertainty.prediction_half_width(1.0, 1)


def test_the_pooled_spread_is_the_residual_of_an_analysis_of_variance(generator):
    groups = [generator.normal(mean, 2.0, size) for mean, size in ((1, 3), (5, 4), (9, 2))]
    spread = uncertainty.pooled_spread([*groups, [7.0], []])
    within = sum(((group - group.mean()) ** 2).sum() for group in groups)
    assert spread.freedom == 6
    assert spread.deviation == pytest.approx(np.sqrt(within / 6))
    assert uncertainty.pooled_spread([[1.0], [2.0]]) is None


def holm_by_definition(p_values):
    """The least level at which the step-down procedure still rejects each hypothesis, found by trying."""
    levels = np.linspace(0, 1, 20_001)
    result = np.ones(len(p_values))
    order = np.argsort(p_values, kind='stable')
    for level in levels[::-1]:
        for step, index in enumerate(order):
            if p_values[index] > level / (len(p_values) - step):
                break
            result[index] = level
    return result


def test_holm_is_the_step_down_procedure(generator):
    p_values = generator.random(7) ** 3
    assert adjusted(p_values) == pytest.approx(holm_by_definition(p_values), abs=1e-4)
    assert adjusted([]).size == 0
    assert adjusted([0.04]) == pytest.approx([0.04])


def test_holm_bounds_the_chance_of_any_false_statement(generator):
    families = generator.random((SIMULATIONS, 20))
    wrong = np.mean([adjusted(family).min() <= 0.05 for family in families])
    assert wrong == pytest.approx(0.05, abs=0.015)
    assert np.mean(families.min(axis=1) <= 0.05) > 0.5


def test_benjamini_hochberg_is_scipys_and_milder_than_holm(generator):
    p_values = generator.random(9) ** 2
    mild = adjusted(p_values, 'bh')
    assert mild == pytest.approx(stats.false_discovery_control(p_values))
    assert (mild <= adjusted(p_values, 'holm') + 1e-12).all()


@pytest.mark.parametrize(('distance', 'deviation', 'image_error'), [(2.0, 1.0, 0.0), (1.0, 1.0, 0.0), (2.0, 1.0, 0.5)])
def test_so_many_seeds_decide_in_four_cases_of_five_and_fewer_do_not(generator, distance, deviation, image_error):
    needed = uncertainty.seeds_to_decide(distance, deviation, image_error)

    def power(seeds):
        values = generator.normal(distance, deviation, (SIMULATIONS, seeds))
        values += generator.normal(0, image_error, (SIMULATIONS, 1))
        found = [estimate(row, image_error).p_above(0) <= ALPHA for row in values]
        return np.mean(found)

    assert needed > 2
    assert power(needed) >= 0.77
    assert power(needed - 1) <= 0.83
    assert power(needed + 4) > power(needed - 1)


def test_no_number_of_seeds_makes_up_for_too_few_images_or_too_small_a_distance():
    assert uncertainty.seeds_to_decide(1.0, 1.0, image_error=2.0) is None
    assert uncertainty.seeds_to_decide(0.0, 1.0) is None
    assert uncertainty.seeds_to_decide(0.001, 1.0, most=50) is None
    assert uncertainty.seeds_to_decide(1.0, 0.0) == 2
    assert uncertainty.seeds_to_decide(1.0, 0.0, image_error=2.0) is None


def test_the_fewest_seeds_whose_prediction_fits_the_margin():
    needed = uncertainty.seeds_to_predict(1.0, 3.0)
    assert uncertainty.prediction_half_width(1.0, needed) <= 3.0 < uncertainty.prediction_half_width(1.0, needed - 1)
    assert uncertainty.seeds_to_predict(1.0, 1.9) is None
    assert uncertainty.seeds_to_predict(1.0, 16.0) == 2


def test_order_agreement_is_kendalls_tau():
    rows = np.array([*itertools.permutations([1.0, 2.0, 3.0, 4.0]), (1.0, 1.0, 2.0, 2.0), (3.0, 3.0, 1.0, 2.0)])
    expected = [stats.kendalltau(range(4), row).statistic for row in rows]
    assert uncertainty.order_agreement(rows) == pytest.approx(expected)
    assert uncertainty.order_agreement(np.zeros(4)) == 0
