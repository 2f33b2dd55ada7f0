import pytest

from bench import budgets
from bench.errors import UnknownName


def test_full_takes_the_documented_epochs():
    full = budgets.rule('full')
    assert budgets.steps(full, epochs=180, samples_per_epoch=150, batch=4) == 180 * 150 / 4


@pytest.mark.parametrize('images', [150, 367, 2975])
def test_short_keeps_the_ratio_of_documented_epochs_above_the_floor(images):
    short = budgets.rule('short')
    few, many, most = (budgets.steps(short, epochs, images, batch=4) for epochs in (180, 500, 1000))
    assert few >= short.min_steps
    assert many / few == pytest.approx(500 / 180, rel=0.01)
    assert most / few == pytest.approx(1000 / 180, rel=0.01)


def test_short_never_falls_below_its_floor():
    assert budgets.steps(budgets.rule('short'), epochs=6, samples_per_epoch=100, batch=50) == 200


def test_smoke_takes_its_few_steps_whatever_is_documented():
    smoke = budgets.rule('smoke')
    assert {budgets.steps(smoke, epochs, 2975, 2) for epochs in (1, 40, 1000)} == {smoke.max_steps}


def test_the_batch_is_documented_but_for_smoke():
    assert budgets.batch_size(budgets.rule('full'), 50) == 50
    assert budgets.batch_size(budgets.rule('short'), 50) == 50
    assert budgets.batch_size(budgets.rule('smoke'), 50) == 2


def test_a_factor_belongs_to_short():
    assert budgets.rule('short', 0.25).factor == 0.25
    with pytest.raises(ValueError, match=r"factor of 0.5 with 'full'.* goes with short"):
        budgets.rule('full', 0.5)
    with pytest.raises(ValueError, match='must be positive'):
        budgets.rule('short', 0)


def test_an_unknown_budget_lists_the_nearest():
    with pytest.raises(UnknownName, match=r"unknown budget 'shrt': did you mean short"):
        budgets.rule('shrt')


@pytest.mark.parametrize(('base', 'expected'), [((360, 480), (96, 128)), ((256, 512), (96, 192)), ((64, 64), (64, 64))])
def test_smoke_size_is_small_and_keeps_the_ratio(base, expected):
    assert budgets.smoke_size(base) == expected


@pytest.mark.parametrize(
    ('limit', 'images', 'expected'), [(3, 9, [0, 4, 8]), (1, 9, [0]), (9, 9, None), (None, 9, None)]
)
def test_a_limited_split_is_spread_over_the_whole(limit, images, expected):
    assert budgets.spread(limit, images) == expected


def test_smoke_spends_less_on_a_heavy_network():
    smoke = budgets.rule('smoke')
    assert budgets.for_network(smoke, budgets.HEAVY_PARAMS - 1, budgets.HEAVY_MACS - 1) == smoke
    slow = budgets.for_network(smoke, 0, budgets.HEAVY_MACS)
    light = budgets.for_network(smoke, budgets.HEAVY_PARAMS, 0)
    assert slow.max_steps == light.max_steps
    assert not slow.fused_adam
    assert budgets.steps(light, 100, 900, 2) == light.max_steps <= 4
    assert light.test_images < smoke.test_images
    assert light.fused_adam


@pytest.mark.parametrize('name', ['short', 'full'])
def test_evidence_is_never_thinned_for_a_heavy_network(name):
    rule = budgets.rule(name)
    assert budgets.for_network(rule, 10**9, 10**15) == rule
    assert not rule.fused_adam
