"""The words are those of the judge: they are made here as it makes them."""

import pytest

from bench.claims import Check, Claim, Finding, Verdict
from bench.judging.judge import verdicts
from bench.judging.samples import Case, Circumstances, Sample, key_of
from bench.render import effects

UNITS = {'miou': 'percent', 'gflops': 'GFLOPs', 'train_memory_gb': 'GB'}
HERE = Circumstances('here', right_data=frozenset({'toy/a', 'toy/b'}), as_documented=frozenset({'toy/a', 'toy/b'}))


def judged(check, **values):
    """The verdict on a claim of one check about experiments with these values: a number is exact, more are seeds."""
    samples = {
        key_of(check, f'toy/{name}'): Sample(f'toy/{name}', check.metric, dict(enumerate(found)), exact=len(found) == 1)
        for name, found in values.items()
    }
    claim = Claim('X01', 'So it is.', '1', ('toy/a', 'toy/b'), 'paired', 'compare', (check,))
    [verdict] = verdicts([Case(claim, HERE, samples, UNITS)])
    return verdict


@pytest.mark.parametrize(
    ('check', 'values', 'cell', 'words', 'claimed'),
    [
        (
            Check('gflops', 'less', 'toy/a', ('toy/b',)),
            {'a': (6.8,), 'b': (35.86,)},
            '-29.06 GFLOPs',
            'cost of a minus b: -29.06 GFLOPs',
            '',
        ),
        (
            Check('gflops', 'ratio', 'toy/a', ('toy/b',), 4.2, 0.1),
            {'a': (31.164,), 'b': (10.0,)},
            '3.12 times',
            'cost of a: 3.12 times that of b',
            '4.2 within 10 % is claimed',
        ),
        (
            Check('miou', 'value', 'toy/a', (), 49.24, 0.1),
            {'a': (53.5,)},
            '53.50 %',
            'mIoU of a: 53.50 %',
            '49.24 percent is to be expected, give or take 0.1',
        ),
        (
            Check('gflops', 'order', 'toy/a', ('toy/b', 'toy/c', 'toy/d'), 0.9),
            {'a': (1.0,), 'b': (3.0,), 'c': (2.0,), 'd': (4.0,)},
            "Kendall's tau 0.67",
            "Kendall's tau between the claimed and the measured order: 0.67",
            'from 0.9 on it is the claimed order',
        ),
        (
            Check('gflops', 'less', 'toy/a', ('toy/b',)),
            {'a': (7.0,), 'b': (7.0,)},
            '0 GFLOPs',
            'cost of a minus b: 0 GFLOPs',
            'less than 0 is claimed',
        ),
    ],
)
def test_an_effect_says_what_it_is_of(check, values, cell, words, claimed):
    verdict = judged(check, **values)
    assert verdict.answer == ('contradicted' if claimed else 'reproduced')
    assert effects.effect(verdict) == cell
    assert (effects.in_words(verdict), effects.claimed(verdict)) == (words, claimed)


def test_a_measured_effect_has_its_interval():
    verdict = judged(Check('miou', 'greater', 'toy/a', ('toy/b',)), a=(50.0, 50.2, 49.8), b=(40.0, 40.1, 39.9))
    assert effects.effect(verdict) == '10.00 points (95 %: 9.75 to 10.25)'
    assert effects.in_words(verdict) == 'mIoU of a minus b: 10.00 points (95 %: 9.75 to 10.25)'


def test_what_did_not_fit_in_memory_is_told_as_it_was():
    reason = 'A ran out of memory, more than the 15 GB of its device; at least 12 GB is claimed.'
    floor = Finding(Check('train_memory_gb', 'at_least', 'toy/a', (), 12.0), 'reproduced', 15.0, 15.0, None, 'GB')
    verdict = Verdict('X01', 'here', 'reproduced', effect=15.0, low=15.0, unit='GB', findings=(floor,), reason=reason)
    assert effects.in_words(verdict) == 'A ran out of memory, more than the 15 GB of its device'


@pytest.mark.parametrize(
    ('value', 'shown'),
    [(0.0, '0'), (-0.0115, '-0.01'), (0.0042, '0.004'), (1.0, '1.00'), (-579.2, '-579'), (12345.6, '12,346'),
     (1.5e300, '1.5e+300')],
)  # fmt: skip
def test_a_number_has_the_digits_that_a_reader_can_use(value, shown):
    assert effects.effect(Verdict('X01', '', 'reproduced', effect=value)) == shown


def test_what_was_not_measured_is_a_dash():
    assert effects.effect(None) == effects.effect(Verdict('X01', '', 'not measured')) == '—'
