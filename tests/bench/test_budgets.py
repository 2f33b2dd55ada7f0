import pytest

from bench import budgets
from bench.errors import UnknownName


def test_a_factor_belongs_to_short():
    assert budgets.rule('short', 0.25).factor == 0.25
    with pytest.raises(ValueError, match=r"factor of 0.5 with 'full'.* goes with short"):
        budgets.rule('full', 0.5)
    with pytest.raises(ValueError, match='must be positive'):
        budgets.rule('short', 0)


def test_an_unknown_budget_lists_the_nearest():
    with pytest.raises(UnknownName, match=r"unknown budget 'shrt': did you mean short"):
        budgets.rule('shrt')


def test_smoke_spends_less_on_a_heavy_network():
    smoke = budgets.rule('smoke')
    assert budgets.for_network(smoke, budgets.HEAVY_PARAMS - 1, budgets.HEAVY_MACS - 1) == smoke
    slow = budgets.for_network(smoke, 0, budgets.HEAVY_MACS)
    light = budgets.for_network(smoke, budgets.HEAVY_PARAMS, 0)
    assert slow.max_steps == light.max_steps
    assert not slow.heavy_weights
    assert light.min_steps == light.max_steps <= 4
    assert light.test_images < smoke.test_images
    assert light.heavy_weights


@pytest.mark.parametrize('name', ['short', 'full'])
def test_evidence_is_never_thinned_for_a_heavy_network(name):
    rule = budgets.rule(name)
    assert budgets.for_network(rule, 10**9, 10**15) == rule
    assert not rule.heavy_weights
