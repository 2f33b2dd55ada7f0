import pytest

from bench import amounts, budgets


def steps(rule, epochs, samples_per_epoch, batch):
    return amounts.within(rule, amounts.share_of_steps(rule, epochs, samples_per_epoch, batch))


def test_full_takes_the_documented_epochs():
    full = budgets.rule('full')
    assert steps(full, epochs=180, samples_per_epoch=150, batch=4) == 180 * 150 / 4


@pytest.mark.parametrize('images', [150, 367, 2975])
def test_short_keeps_the_ratio_of_documented_epochs_above_the_floor(images):
    short = budgets.rule('short')
    few, many, most = (steps(short, epochs, images, batch=4) for epochs in (180, 500, 1000))
    assert few >= short.min_steps
    assert many / few == pytest.approx(500 / 180, rel=0.01)
    assert most / few == pytest.approx(1000 / 180, rel=0.01)


def test_short_never_falls_below_its_floor():
    assert steps(budgets.rule('short'), epochs=6, samples_per_epoch=100, batch=50) == 200


def test_smoke_takes_its_few_steps_whatever_is_documented():
    smoke = budgets.rule('smoke')
    assert {steps(smoke, epochs, 2975, 2) for epochs in (1, 40, 1000)} == {smoke.max_steps}


def test_the_batch_is_documented_but_for_smoke():
    assert amounts.batch_size(budgets.rule('full'), 50) == 50
    assert amounts.batch_size(budgets.rule('short'), 50) == 50
    assert amounts.batch_size(budgets.rule('smoke'), 50) == 2


@pytest.mark.parametrize(
    ('limit', 'images', 'expected'), [(3, 9, [0, 4, 8]), (1, 9, [0]), (9, 9, None), (None, 9, None)]
)
def test_a_limited_split_is_spread_over_the_whole(limit, images, expected):
    assert amounts.spread(limit, images) == expected
