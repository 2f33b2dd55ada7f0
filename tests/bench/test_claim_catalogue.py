import copy
from pathlib import Path

import pytest
import yaml

from bench import catalogue, claim_catalogue, paths
from bench.claims import Check
from bench.errors import CatalogueError
from bench.judging import curve_values, run_values

COUNTS = {'K': 33, 'V': 30, 'H': 19, 'D': 11, 'S': 8}
IDS = {f'{letter}{number:02}' for letter, count in COUNTS.items() for number in range(1, count + 1)}
AS_DOCUMENTED = {'final_train_loss': 'train_loss', 'final_val_loss': 'val_loss', 'sec_per_step': 'train_sec'}
"""Metrics of claims, and the documented ones that compare alike."""

NOT_IN_ROWS = {'V22', 'H10', 'H16', 'H17', 'S03'}
"""Consistent by numbers that no row has under a metric of a check: class weights, squared scales, a worked example,
tables of classes and the epochs in names of checkpoints."""


@pytest.fixture(scope='module')
def documented():
    return catalogue.load(paths.documented_dir())


@pytest.fixture(scope='module')
def checks(documented):
    found = [(claim, check) for claim in documented.claims.values() for check in claim.checks]
    assert len(found) > len(IDS)
    return found


def test_every_claim_is_there_once(documented):
    assert len(documented.claims) == 101
    assert set(documented.claims) == IDS
    for claim in documented.claims.values():
        slugs = {documented.experiments[name].report for name in claim.experiments}
        assert len(slugs) == 1, claim.id


def test_every_metric_of_a_claim_is_measured_somewhere(checks):
    measured = set(catalogue.CLAIM_METRICS)
    assert set(curve_values.CURVE_METRICS) | run_values.COUNTED | run_values.TIMED <= measured
    plain = {check.metric for _, check in checks if '.' not in check.metric}
    assert plain <= measured
    assert {check.metric.split('.')[0] for _, check in checks} - plain == {'iou', 'class_pixel_ratio'}
    assert run_values.COUNTED == claim_catalogue._COUNTED


def test_claims_are_not_read_before_they_are_asked_for(tmp_path):
    (tmp_path / 'toy.yaml').write_text('K01: 3')
    claims = claim_catalogue.Claims(tmp_path, {}, {})
    with pytest.raises(CatalogueError, match='a claim is a mapping'):
        len(claims)


def differences(check: Check, experiments) -> list[float]:
    metric = AS_DOCUMENTED.get(check.metric, check.metric)
    of, *others = (experiments[name].value(metric) for name in (check.of, *check.than))
    return [] if of is None else [of - other for other in others if other is not None]


def holds(check: Check, experiments) -> bool | None:
    """Return what the documented numbers say of a check, None where they do not settle it."""
    metric = AS_DOCUMENTED.get(check.metric, check.metric)
    of, *others = (experiments[name].value(metric) for name in (check.of, *check.than))
    known, margin, value = [other for other in others if other is not None], check.margin or 0, check.value or 0
    if of is None or (not known and others) or (check.relation == 'order' and len(known) < len(others)):
        return None
    tests = {
        'greater': lambda: all(of - other > margin for other in known),
        'less': lambda: all(other - of > margin for other in known),
        'equal': lambda: all(abs(of - other) <= margin for other in known),
        'ratio': lambda: abs(of / known[0] / value - 1) <= margin,
        'value': lambda: abs(of - value) <= margin,
        'at_least': lambda: of >= value,
        'at_most': lambda: of <= value,
        'order': lambda: [of, *known] == sorted([of, *known]),
    }
    answer = tests[check.relation]()
    return answer if len(known) == len(others) or not answer else None


def test_the_documented_numbers_say_what_own_data_says(documented):
    told = set()
    for claim in documented.claims.values():
        found = [holds(check, documented.experiments) for check in claim.checks]
        told |= {claim.id} if found and None not in found else set()
        if claim.method != 'none':
            assert (False in found) == (claim.own_data == 'contradicted'), (claim.id, found)
        if claim.own_data == 'consistent' and claim.id not in NOT_IN_ROWS:
            assert True in found, claim.id
        if claim.own_data == 'silent':
            assert True not in found, (claim.id, found)
    assert {'K11', 'K17', 'K18', 'K21', 'K24', 'K30', 'K31', 'D01', 'D02', 'S01', 'S05'} <= told


def test_a_documented_difference_is_that_of_the_documented_numbers(documented, checks):
    picks = {'greater': min, 'less': max, 'equal': lambda found: max(found, key=abs)}
    compared = 0
    for claim, check in checks:
        found = differences(check, documented.experiments)
        if check.relation not in picks or len(found) < len(check.than) or check.metric in AS_DOCUMENTED:
            continue
        compared += 1
        assert check.value == pytest.approx(picks[check.relation](found), abs=0.006), (claim.id, check)
    assert compared > 25


@pytest.mark.parametrize(
    ('claim', 'documented_ratio'),
    [('K11', 808.52 / 132.85), ('K18', 662.16 / 132.85), ('K21', 132.85 / 35.85), ('D06', 16 / 13)],
)
def test_a_claimed_ratio_is_near_that_of_the_printed_numbers(documented, claim, documented_ratio):
    ratio = next(check for check in documented.claims[claim].checks if check.relation == 'ratio')
    assert abs(documented_ratio / ratio.value - 1) < ratio.margin <= 0.15


def test_the_printed_class_weights_bear_out_the_claim_on_areas(documented):
    (check,) = documented.claims['V22'].checks
    assert 171.3634 / 1.3124 > check.value == 100
    assert documented.claims['V22'].needs == ('data',)


def test_the_means_of_the_printed_classes_are_not_the_printed_means(documented):
    claim = documented.claims['H18']
    assert claim.method == 'arithmetic'
    for check in claim.checks:
        row = documented.experiments[check.of]
        classes = [number.value for number in row.documented if number.metric.startswith('iou.')]
        assert len(classes) == 20
        assert sum(classes) / 20 == pytest.approx(check.value, abs=0.01)


def test_two_scales_lose_in_the_sky_only(documented):
    found = {check.metric: check for check in documented.claims['H17'].checks}
    assert len(found) == 20
    assert {metric for metric, check in found.items() if check.relation == 'less'} == {'iou.sky'}
    assert all((check.value > 0) == (check.relation == 'greater') for check in found.values())


CHECK = {'metric': 'miou', 'relation': 'greater', 'of': 'toy/a', 'than': ['toy/b']}
CLAIM = {'statement': 'A beats b.', 'section': '1', 'experiments': ['toy/a', 'toy/b'], 'method': 'paired', 'how': 'x'}
NUMBER = {'metric': 'miou', 'value': 28, 'unit': 'percent', 'source': 'table 1'}
ROW = {'title': 'T', 'section': '1', 'provenance': 'R', 'documented': [NUMBER], 'claims': ['K01']}
HEAD = {
    'slug': 'toy',
    'title': 'A toy report',
    'data_set': 'ten pictures',
    'evaluated_on': 'two of them',
    'miou_convention': 'pooled',
    'cost_convention': 'two FLOPs a MAC',
}


@pytest.fixture
def read(tmp_path: Path):
    def from_claims(claims, rows=None):
        rows = {'toy/a': ROW, 'toy/b': copy.deepcopy(ROW)} if rows is None else rows
        (tmp_path / 'toy.yaml').write_text(yaml.safe_dump({**HEAD, 'experiments': rows}, sort_keys=False))
        (tmp_path / 'claims').mkdir()
        text = claims if isinstance(claims, str) else yaml.safe_dump(claims, sort_keys=False)
        (tmp_path / 'claims' / 'toy.yaml').write_text(text)
        return dict(catalogue.load(tmp_path).claims)

    return from_claims


def test_a_row_becomes_a_claim(read):
    one = read({'K01': {**CLAIM, 'checks': [CHECK], 'needs': ['weights']}})['K01']
    assert (one.id, one.experiments, one.needs, one.own_data) == ('K01', ('toy/a', 'toy/b'), ('weights',), 'silent')
    assert one.checks == (Check('miou', 'greater', 'toy/a', ('toy/b',)),)


def of(**changes) -> dict:
    return {'checks': [{key: value for key, value in {**CHECK, **changes}.items() if value is not None}]}


@pytest.mark.parametrize(
    ('changes', 'message'),
    [
        ({'statment': 'x'}, "unknown key 'statment'; did you mean statement"),
        (of(metrik='x'), r"unknown key 'checks.0.metrik'; did you mean metric"),
        (of(relation='more'), r"'checks.0.relation': input should be 'greater'.*not 'more'"),
        (of(metric='mIoU'), r"checks\[0\]: unknown metric 'mIoU'; did you mean miou"),
        (of(metric='iou.'), r"unknown metric 'iou.'"),
        (of(metric='class_pixel_ratio.car'), r"unknown metric 'class_pixel_ratio.car'"),
        (of(of='toy/c'), r"'toy/c' is not among the claim's experiments"),
        (of(than=['toy/a']), r"'toy/a' is named twice"),
        (of(than=None), 'greater compares with one or more experiments in "than", not 0'),
        (of(relation='equal'), "equal needs a 'margin'"),
        (of(relation='equal', margin=0), 'margin 0.0 of equal is not positive'),
        (of(relation='ratio', margin=0.1), "ratio needs a 'value'"),
        (of(relation='ratio', value=-1, margin=0.1), 'value -1.0 is no ratio'),
        (of(relation='ratio', value=2, margin=15), 'margin 15.0 of a ratio is a share below 1'),
        (of(relation='value', value=2, margin=1), 'value compares with 0 experiments in "than", not 1'),
        (of(relation='at_least', than=None), "at_least needs a 'value'"),
        (of(relation='at_most', than=None, value=1, margin=1), 'at_most has no margin, not 1.0'),
        (of(relation='order', value=2), "value 2.0 is no Kendall's tau"),
        ({'method': 'counted', **of()}, 'miou is not counted, as the method says'),
        (of(metric='steps_to_loss', relation='ratio', value=1, margin=0.1), 'ratio asks for steps_to_common_loss'),
        ({'method': 'guessed'}, "'method': input should be 'counted'"),
        ({'checks': []}, "'checks' are given unless the method is none"),
        ({'method': 'none', 'reason': 'x', **of()}, "'checks' are given unless the method is none"),
        ({'method': 'none', 'checks': []}, "'reason' says why no metric can decide it"),
        ({'reason': 'x'}, "'reason' says why no metric can decide it"),
        ({'needs': ['luck']}, "'needs.0': input should be 'weights', 'data' or 'hardware', not 'luck'"),
        ({'experiments': ['toy/a', 'toy/d']}, "unknown experiment 'toy/d'; did you mean toy/"),
        ({'experiments': ['toy/a', 'toy/a']}, "'toy/a' is named twice"),
        ({'experiments': []}, "'experiments' is empty"),
        ({'experiments': ['toy/a'], **of(relation='value', than=None, value=1, margin=1)}, 'does not name it'),
        ({'how': ' '}, "'how' is empty"),
        ({'id': 'K01'}, "'id' is the key of the claim"),
    ],
)
def test_a_broken_claim_is_refused(read, changes, message):
    with pytest.raises(CatalogueError, match=message) as caught:
        read({'K01': {**CLAIM, 'checks': [CHECK], **changes}})
    assert str(caught.value).startswith('toy.yaml, ')


@pytest.mark.parametrize(
    ('claims', 'message'),
    [
        ('- K01\n', 'toy.yaml: expected a mapping from the id of a claim'),
        ('K01: 3\nK01: 4\n', "'K01' occurs twice"),
        ('K1: {}\n', 'K1: an id is a letter and two digits'),
        ({'K01': {**CLAIM, 'checks': [CHECK]}, 'K02': {**CLAIM, 'checks': [CHECK]}}, 'K02: names .toy/a., whose row'),
        ({'K02': {**CLAIM, 'checks': [CHECK]}}, "K02: names 'toy/a', whose row does not list it"),
    ],
)
def test_a_broken_file_is_refused(read, claims, message):
    with pytest.raises(CatalogueError, match=message):
        read(claims)


def test_a_row_with_an_unknown_claim_is_refused(read):
    rows = {'toy/a': ROW, 'toy/b': {**ROW, 'claims': ['K01', 'K07']}}
    with pytest.raises(CatalogueError, match=r"toy.yaml, toy/b: unknown claim 'K07'; did you mean K01"):
        read({'K01': {**CLAIM, 'checks': [CHECK]}}, rows)


def test_an_experiment_of_another_report_is_refused(read, tmp_path):
    other = {**HEAD, 'slug': 'more', 'experiments': {'more/a': ROW}}
    (tmp_path / 'more.yaml').write_text(yaml.safe_dump(other))
    with pytest.raises(CatalogueError, match="experiment 'more/a' belongs to another report than 'toy'"):
        read({'K01': {**CLAIM, 'experiments': ['toy/a', 'toy/b', 'more/a'], 'checks': [CHECK]}})
