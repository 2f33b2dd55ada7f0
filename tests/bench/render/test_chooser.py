"""The part of the page that answers which model, in a real browser."""

import json

import numpy as np

from bench.judging import uncertainty

PHONE = 400
"""Width in pixels."""
FRONT_OR = ('another is better', 'not told apart from a cheaper one', '◆ on the front')
"""What is said of a model, the first that is so."""


CHOOSE = """
const place = document.getElementById('chooser-body');
const answer = () => place.querySelector('.answer').textContent;
const before = answer();
const cell = (row, number) => row.children[number].textContent;
const first = [...place.querySelectorAll('tbody tr')].map((row) => [cell(row, 0), cell(row, 9)]);
const box = document.getElementById('chooser-latency');
box.value = '1';
box.dispatchEvent(new Event('input'));
const none = answer();
const slider = place.querySelector('input[type=range]');
slider.value = 100;
slider.dispatchEvent(new Event('input'));
const menu = document.getElementById('chooser-place');
menu.value = [...menu.options].findIndex((option) => option.textContent.includes('smoke'));
menu.dispatchEvent(new Event('input'));
return { before, first, none, after: answer(), places: [...menu.options].map((option) => option.textContent) };
"""


def test_the_chooser_ranks_what_fits(browse):
    result = browse(CHOOSE)
    best = '3 of 3 models fit; the best is toy/base with 42.00 % mIoU.'
    assert result['before'] == f'{best} Another is not told apart from it.'
    assert [name for name, _ in result['first']] == ['toy/base', 'toy/wide', 'toy/idle']
    # All cost the same; two seeds leave 42 and 31.5 open, and what one borrows is enough to tell 9 from either.
    assert [standing for _, standing in result['first']] == [FRONT_OR[2], FRONT_OR[2], FRONT_OR[0]]
    assert result['none'] == 'No measured model fits. Loosen a limit.'
    assert result['after'].endswith('These are smoke runs, which are no evidence.')
    assert 'smoke: no evidence' in result['places'][-1]


FRONT = """
const costs = ['latency', 'inference'];
const points = [];
let state = 7;
const next = (n) => { state = (state * 1103515245 + 12345) % 2147483648; return Math.floor(state / 65536) % n; };
for (let i = 0; i < 90; i++) {
  const error = next(6) ? 0.2 + next(9) / 10 : null;
  const half = error && error * (2 + next(3));
  points.push({ miou: next(9), error, half, latency: next(9), inference: next(5) ? next(9) : null });
}
return points.map((point) => [point, standing(point, points, costs)]);
"""


def test_the_front_is_what_no_other_model_is_told_to_beat(browse):
    """Against the definition, written out a second time; a cost that is not known is not compared."""
    found = browse(FRONT)

    def above(one, other):
        if one['error'] is None or other['error'] is None:
            return False
        squares = [point['half'] * point['error'] for point in (one, other)]
        return one['miou'] - other['miou'] > sum(squares) / (one['error'] ** 2 + other['error'] ** 2) ** 0.5

    def says(other, point):
        known = [cost for cost in ('latency', 'inference') if point[cost] is not None]
        if any(other[cost] is None or other[cost] > point[cost] for cost in known):
            return FRONT_OR[2]
        if above(other, point):
            return FRONT_OR[0]
        saves = any(other[cost] < point[cost] * (0.95 if cost == 'latency' else 1) for cost in known)
        return FRONT_OR[1] if saves and not above(point, other) else FRONT_OR[2]

    points = [point for point, _ in found]
    expected = [min((says(other, point) for other in points), key=FRONT_OR.index) for point in points]
    assert [standing for _, standing in found] == expected
    assert {*expected} == {*FRONT_OR}


TOLD = """
return ESTIMATES.map(([first, second]) => toldAbove(first, second));
"""


def test_models_are_told_apart_as_the_judge_adds_two_errors(browse):
    """Either model's seeds are one of the two sources of error that an estimate of the judge's has."""
    generator = np.random.default_rng(0)
    pairs, expected = [], []
    for gap, *errors in generator.uniform(0.5, 1.5, (200, 3)) * (4.0, 1.0, 1.0):
        freedoms = generator.integers(1, 9, 2)
        difference = uncertainty.Estimate(gap, errors[0], freedoms[0], errors[1], freedoms[1])
        expected.append(difference.interval()[0] > 0)
        halves = [uncertainty.Estimate(0.0, *one).half_width(0.975) for one in zip(errors, freedoms, strict=True)]
        pairs.append([
            {'miou': miou, 'error': error, 'half': half}
            for miou, error, half in zip((20 + gap, 20.0), errors, halves, strict=True)
        ])  # fmt: skip
    assert browse(TOLD.replace('ESTIMATES', json.dumps(pairs))) == expected
    assert 0.2 < sum(expected) / len(expected) < 0.8


UNDECIDED = """
const model = (miou, error) => ({ miou, error, half: error && 2 * error });
const [best, near, far, unknown] = [model(9, 1), model(8, 1), model(2, 1), model(2, null)];
return [[best, []], [best, [far]], [best, [near, far]], [best, [near, unknown]], [unknown, [unknown]]]
  .map(([first, others]) => undecided(first, others));
"""


def test_the_best_says_how_many_it_is_not_told_apart_from(browse):
    assert browse(UNDECIDED) == [
        '',
        ' It is told apart from all others.',
        ' Another is not told apart from it.',
        ' 2 others are not told apart from it.',
        ' The spread over seeds is not known here: nothing tells it apart.',
    ]


OPENS = """
const menu = document.getElementById('chooser-place');
return { opens: menu.options[menu.selectedIndex].textContent, first: menu.options[0].textContent };
"""


def test_the_chooser_opens_where_most_models_are(browse):
    result = browse(OPENS)
    assert result['opens'].startswith('camvid 96x128, short x0.1') and result['first'].startswith('camvid 96x128, full')


NARROW = """
const menu = document.getElementById('chooser-place');
const beyond = (one) => one.getBoundingClientRect().right > innerWidth + 0.5 && !one.closest('.scroll');
const wide = () => all('body *').filter(beyond).map((one) => one.outerHTML.slice(0, 120));
for (const details of all('details')) details.open = true;
return [...menu.options].map((option) => {
  menu.value = option.value;
  menu.dispatchEvent(new Event('input'));
  return [document.documentElement.scrollWidth, wide()];
});
"""


def test_no_setting_of_the_chooser_and_no_long_name_makes_a_phone_scroll_sideways(browse):
    found = browse(NARROW, PHONE)
    assert len(found) == 3
    assert found == [[PHONE, []]] * 3
