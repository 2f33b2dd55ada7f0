"""What is counted is compared exactly."""

import sys
from pathlib import Path

import pytest

from bench.judging.comparisons import against_number, compare

sys.path.insert(0, str(Path(__file__).parent))

from toy import answer, check, sample


@pytest.mark.parametrize(
    ('relation', 'value', 'margin', 'expected'),
    [
        ('greater', None, 5.0, 'yes'),
        ('greater', None, 6.0, 'no'),
        ('less', None, None, 'no'),
        ('equal', None, 6.0, 'yes'),
        ('equal', None, 5.9, 'no'),
        ('ratio', 4.0, 0.0, 'yes'),
        ('ratio', 3.7, 0.05, 'no'),
    ],
)
def test_counts_are_exact(relation, value, margin, expected):
    first, second = (sample(name, count, metric='gflops', exact=True) for name, count in (('a', 8.0), ('b', 2.0)))
    outcome = compare(check(relation, value, margin, 'gflops'), first, second, None, 'GFLOPs')
    assert answer(outcome) == expected
    assert outcome.low == outcome.high == outcome.effect
    assert outcome.seeds == 0


def test_a_ratio_to_nothing_is_open():
    first, second = sample('a', 8.0, exact=True), sample('b', 0.0, exact=True)
    assert answer(compare(check('ratio', 4.0, 0.1), first, second, None, '')) == 'open'


@pytest.mark.parametrize(
    ('relation', 'value', 'margin', 'expected'),
    [
        ('at_least', 8.0, None, 'yes'),
        ('at_least', 8.1, None, 'no'),
        ('at_most', 8.0, None, 'yes'),
        ('at_most', 7.9, None, 'no'),
        ('value', 8.4, 0.5, 'yes'),
        ('value', 8.6, 0.5, 'no'),
    ],
)
def test_a_count_against_a_number(relation, value, margin, expected):
    outcome = against_number(check(relation, value, margin, than=()), sample('a', 8.0, exact=True), None, '')
    assert answer(outcome) == expected
