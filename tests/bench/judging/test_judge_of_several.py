"""Claims of several comparisons: which one decides, which one is shown, how many seeds would decide."""

import sys
from pathlib import Path

import pytest

from bench.claims import Check

sys.path.insert(0, str(Path(__file__).parent))

from toy_claims import HIGH, LOW, claim, greater, judged, sample

SHAKY_HOLDS = (42.0, 40.1, 42.4), (41.0, 40.0, 41.2)
SHAKY_FAILS = (41.0, 40.0, 41.0), (42.5, 40.1, 42.3)


def open_claim(*pairs):
    """A claim of one check for each pair of values, none of which is settled."""
    checks, samples = [], []
    for index, (first, second) in enumerate(pairs):
        of, than = f'a{index}', f'b{index}'
        checks.append(Check('miou', 'greater', f'toy/{of}', (f'toy/{than}',)))
        samples += [sample(of, *first), sample(than, *second)]
    verdict = judged(claim(*checks), *samples)
    assert verdict.answer == 'inconclusive'
    return verdict


def test_one_check_that_leans_to_fail_would_settle_an_open_claim_and_is_the_one_shown():
    """However many seeds the others would need: one failure is enough."""
    far = (40.0, 42.0, 44.0), (40.2, 41.6, 44.1)
    failing, hopeful = open_claim(SHAKY_FAILS), open_claim(far)
    assert failing.seeds_needed < hopeful.seeds_needed
    both = open_claim(far, SHAKY_FAILS)
    assert both.effect == pytest.approx(failing.effect)
    assert failing.seeds_needed <= both.seeds_needed < hopeful.seeds_needed


def test_checks_that_lean_to_hold_all_have_to_be_settled_and_the_weakest_is_shown():
    weaker = (42.0, 40.0, 42.0), (41.5, 40.2, 41.3)
    one, other, both = open_claim(SHAKY_HOLDS), open_claim(weaker), open_claim(SHAKY_HOLDS, weaker)
    assert both.seeds_needed == max(one.seeds_needed, other.seeds_needed)
    assert both.effect == pytest.approx(other.effect)


def test_what_decides_a_reproduced_claim_is_shown_and_not_what_comes_first():
    clear, close = (sample('a', *HIGH), sample('b', *LOW)), (sample('c', *HIGH), sample('d', 49.0, 49.1, 48.9, 49.3))
    stated = claim(greater(), Check('miou', 'greater', 'toy/c', ('toy/d',)))
    verdict = judged(stated, *clear, *close)
    assert (verdict.answer, verdict.effect) == ('reproduced', pytest.approx(0.95))


def test_a_failure_that_many_comparisons_of_one_claim_may_show_by_chance_is_open_and_says_so():
    barely = sample('a', 40.0, 40.4, 40.5), sample('b', 41.0, 42.5, 42.0)
    assert judged(claim(greater()), *barely).answer == 'contradicted'
    others = [sample(name, 50.0, 50.2, 49.9) if name[0] == 'c' else sample(name, 49.0, 49.3, 49.1)
              for index in range(19) for name in (f'c{index}', f'd{index}')]  # fmt: skip
    checks = [Check('miou', 'greater', f'toy/c{index}', (f'toy/d{index}',)) for index in range(19)]
    verdict = judged(claim(greater(), *checks), *barely, *others)
    assert verdict.answer == 'inconclusive'
    assert verdict.reason.endswith('clear by itself, but not as one of 20 comparisons that the claim consists of.')
