from dataclasses import replace
from pathlib import Path

import pytest

from bench.claims import Check, Claim
from bench.experiments import Catalogue, Documented, Experiment, Report
from bench.judging.evidence import cases, keys
from bench.judging.judge import verdicts
from bench.records import Receipt

COUNTS = {
    'toy/a': {'cost': {'flops': 60e9}, 'documented': {'dataset': 'camvid', 'short_side': 360}},
    'toy/b': {'cost': {'flops': 10e9}, 'documented': {'dataset': 'camvid', 'short_side': 360}},
}


@pytest.fixture
def catalogue():
    def experiment(name, **documented):
        numbers = tuple(Documented(key, value, 'percent', 'table 1') for key, value in documented.items())
        return Experiment(f'toy/{name}', name, '1', 'R', numbers)

    report = Report('toy', 'A toy', 'ten pictures', 'two of them', 'pooled', 'two FLOPs a MAC')
    rows = [experiment('a', miou=33.0), experiment('b', miou=41.0), experiment('c')]
    return Catalogue({'toy': report}, {row.id: row for row in rows})


def run(name, seed=0, miou=40.0, budget='full', **changes):
    values = dict(
        schema_version=1, id=f'toy/{name}/camvid-{budget}-seed{seed}', report='toy', experiment=f'toy/{name}',
        dataset='camvid', budget=budget, seed=seed, status='ok', reason='', key='k',
        factor=0.1 if budget == 'short' else None, size=(360, 480), metrics={'miou': miou},
        init={'documented': 'random', 'used': 'random'},
    )  # fmt: skip
    receipt = Receipt(**{**values, **changes})
    return Path('/nowhere') / receipt.id, receipt


def claim(name, method, *checks, **more):
    experiments = tuple(dict.fromkeys(e for check in checks for e in (check.of, *check.than)))
    return Claim(name, 'A is better.', '1', experiments, method, 'train', checks, **more)


BETTER = claim('X01', 'paired', Check('miou', 'greater', 'toy/a', ('toy/b',)))
DEARER = claim('X02', 'counted', Check('gflops', 'ratio', 'toy/a', ('toy/b',), 6.0, 0.05))
PRINTED = claim('X03', 'arithmetic', Check('miou', 'greater', 'toy/a', ('toy/b',)))
SILENT = claim('X04', 'none', reason='only pictures')
BOTH = claim('X05', 'paired', *BETTER.checks, *DEARER.checks)


def judged(catalogue, claims, stored=(), counts=COUNTS, timings=()):
    return verdicts(cases(claims, stored, catalogue, counts, timings, {'miou': 'percent'}))


def test_counted_and_documented_claims_need_no_run(catalogue):
    found = {one.claim: one for one in judged(catalogue, [BETTER, DEARER, PRINTED, SILENT])}
    assert (found['X02'].setting, found['X02'].answer, found['X02'].effect) == ('counted', 'reproduced', 6.0)
    assert (found['X03'].setting, found['X03'].answer) == ('documented numbers', 'contradicted')
    assert found['X03'].effect == -8.0
    assert (found['X04'].setting, found['X04'].answer) == ('', 'undecidable')
    assert (found['X01'].setting, found['X01'].answer) == ('', 'not measured')
    assert found['X01'].reason == 'toy/a was never run.'


@pytest.mark.parametrize(('printed', 'answer'), [(55.0, 'reproduced'), (66.0, 'reproduced'), (50.0, 'inconclusive')])
def test_a_count_of_another_network_than_the_documented_one_decides_nothing(catalogue, printed, answer):
    """60 GFLOPs were counted; up to a tenth beside it the documented network may be the same."""
    row = catalogue.experiments['toy/a']
    row = replace(row, documented=(*row.documented, Documented('gflops', printed, 'GFLOPs', 'table 1')))
    known = replace(catalogue, experiments={**catalogue.experiments, 'toy/a': row})
    [verdict] = judged(known, [DEARER])
    assert (verdict.answer, verdict.effect) == (answer, 6.0)
    assert ('of other networks (a: 60, documented 50)' in verdict.reason) == (answer == 'inconclusive')


def test_what_is_documented_is_called_printed(catalogue):
    [verdict] = judged(catalogue, [claim('X06', 'arithmetic', Check('miou', 'value', 'toy/a', (), 50.0, 0.1))])
    assert verdict.reason.startswith('The printed mIoU of a is 33 percent; ')


def test_a_claim_has_one_verdict_for_each_setting_it_ran_in(catalogue):
    stored = [run(name, seed, miou, budget) for budget in ('full', 'short', 'smoke') for seed in range(3)
              for name, miou in (('a', 50.0 + seed / 10), ('b', 40.0))]  # fmt: skip
    found = judged(catalogue, [BETTER, DEARER], stored)
    assert [(one.claim, one.setting, one.answer) for one in found] == [
        ('X02', 'counted', 'reproduced'),
        ('X01', 'camvid 360x480, full', 'reproduced'),
        ('X01', 'camvid 360x480, short x0.1', 'reproduced'),
        ('X01', 'camvid 360x480, smoke', 'not measured (smoke)'),
    ]
    assert [one.reduced_budget for one in found] == [False, False, True, False]
    assert found[1].evidence == tuple(f'toy/{name}/camvid-full-seed{seed}' for name in 'ab' for seed in range(3))


def test_the_order_of_the_receipts_does_not_matter(catalogue):
    stored = [run(name, seed, miou + seed) for name, miou in (('a', 50.0), ('b', 40.0)) for seed in range(3)]
    assert judged(catalogue, [BETTER], stored) == judged(catalogue, [BETTER], stored[::-1])


def test_a_claim_of_scores_and_counts_joins_both(catalogue):
    stored = [run(name, seed, miou + seed / 10) for name, miou in (('a', 50.0), ('b', 40.0)) for seed in range(3)]
    [verdict] = judged(catalogue, [BOTH], stored)
    assert [finding.effect for finding in verdict.findings] == [pytest.approx(10.0), 6.0]
    assert (verdict.answer, verdict.setting) == ('reproduced', 'camvid 360x480, full')
    cheap = {**COUNTS, 'toy/b': {**COUNTS['toy/b'], 'cost': {'flops': 55e9}}}
    [verdict] = judged(catalogue, [BOTH], stored, cheap)
    assert (verdict.answer, verdict.effect) == ('contradicted', pytest.approx(60 / 55))


def test_counts_come_from_the_table_and_else_from_a_run_or_a_timing(catalogue):
    ran = [run('a', cost={'flops': 30e9}), run('c', cost={'flops': 7e9})]
    timed = [{'experiment': 'toy/b', 'device': 'cpu', 'precision': 'fp32', 'cost': {'flops': 3e9}}]
    [verdict] = judged(catalogue, [DEARER], ran, {}, timed)
    assert verdict.effect == pytest.approx(10.0)
    [verdict] = judged(catalogue, [DEARER], ran, COUNTS, timed)
    assert verdict.effect == pytest.approx(6.0)
    [verdict] = judged(catalogue, [DEARER], ran, {})
    assert (verdict.answer, verdict.reason) == ('not measured', 'The gflops of toy/b was not counted.')


def with_epochs(**epochs):
    documented = {'dataset': 'camvid', 'short_side': 360}
    return {f'toy/{name}': {'documented': {**documented, 'epochs': number}} for name, number in epochs.items()}


def test_a_budget_that_gives_a_long_and_a_brief_training_the_same_steps_says_nothing_of_them(catalogue):
    """One training under two names, and the same scores: no evidence that three times as long changes nothing."""
    stated = claim('X10', 'paired', Check('miou', 'equal', 'toy/a', ('toy/b',), margin=2.0))
    stored = [run(name, seed, 40.0 + seed, 'short', train={'epochs': 9.0}) for name in 'ab' for seed in range(3)]
    [verdict] = judged(catalogue, [stated], stored, with_epochs(a=300, b=100))
    assert (verdict.answer, verdict.effect, verdict.seeds) == ('not measured', None, 0)
    assert 'b has 9 % of its documented epochs and that of a 3 %' in verdict.reason
    assert 'a budget factor of 0.09 would do' in verdict.reason
    kept = [run(name, seed, 40.0 + seed + offset, 'short', train={'epochs': epochs}) for seed in range(3)
            for name, epochs, offset in (('a', 27.0, 0.1 * seed), ('b', 9.0, 0.0))]  # fmt: skip
    [verdict] = judged(catalogue, [stated], kept, with_epochs(a=300, b=100))
    assert verdict.answer == 'reproduced'


def test_times_of_two_machines_are_not_compared(catalogue):
    stated = claim('X11', 'timed', Check('sec_per_epoch', 'greater', 'toy/a', ('toy/b',)))
    train = {'wall_sec': 100.0, 'epochs': 1.0}
    here, there = ({'device': 'cpu', 'cpu': 'EPYC', 'threads': threads} for threads in (1, 8))
    runs = [run('a', seed, train={**train, 'wall_sec': 900.0 + seed}, environment=here) for seed in range(3)]
    for environment, answer in ((here, 'reproduced'), (there, 'not measured')):
        others = [run('b', seed, train=train, environment=environment) for seed in range(3)]
        assert judged(catalogue, [stated], [*runs, *others])[0].answer == answer


def test_a_number_that_is_not_documented_leaves_its_claim_undecidable(catalogue):
    stated = claim('X06', 'arithmetic', Check('miou', 'greater', 'toy/a', ('toy/c',)))
    [verdict] = judged(catalogue, [stated])
    assert (verdict.answer, verdict.reason) == ('undecidable', 'No miou of toy/c is documented.')


def test_documented_arithmetic_may_use_counts(catalogue):
    stated = claim('X07', 'arithmetic', Check('miou', 'less', 'toy/a', ('toy/b',)), *DEARER.checks)
    assert judged(catalogue, [stated])[0].answer == 'reproduced'


def test_latency_is_judged_at_documented_sizes(catalogue):
    stated = claim('X08', 'timed', Check('latency_ms', 'less', 'toy/a', ('toy/b',)))
    timed = [
        {
            'experiment': f'toy/{name}',
            'device': 'cpu',
            'precision': 'fp32',
            'latency': {'p50_ms': p50, 'p50_low_ms': p50 - 0.1, 'p50_high_ms': p50 + 0.1},
        }
        for name, p50 in (('a', 5.0), ('b', 9.0))
    ]
    [verdict] = judged(catalogue, [stated, BETTER], (), COUNTS, timed)[:1]
    assert (verdict.answer, verdict.setting) == ('reproduced', 'cpu, fp32, documented sizes')
    assert verdict.effect == pytest.approx(-4.0)


def test_a_claim_asks_for_each_value_once():
    checks = (
        Check('miou', 'greater', 'toy/a', ('toy/b', 'toy/c')),
        Check('miou', 'equal', 'toy/b', ('toy/c',), margin=1.0),
        Check('steps_to_loss', 'less', 'toy/a', ('toy/b',)),
    )
    assert keys(claim('X09', 'paired', *checks)) == [
        ('miou', 'toy/a', ''),
        ('miou', 'toy/b', ''),
        ('miou', 'toy/c', ''),
        ('steps_to_loss', 'toy/a', 'toy/b'),
        ('steps_to_loss', 'toy/b', 'toy/b'),
    ]


def test_a_stand_in_is_told_beside_what_missing_weights_block_and_decides_nothing(catalogue):
    lacking = {'init': {'documented': 'resnet101-imagenet', 'used': 'random'}}
    stored = [run(name, seed, 40.0, **lacking) for name in 'ab' for seed in range(3)]
    arms = [run('a__stand_in', seed, 50.0 + seed / 10) for seed in range(3)]
    arms += [run('b__stand_in', seed, 40.0 + seed / 20) for seed in range(3)]
    named = ('toy/a', 'toy/a__stand_in', 'toy/b', 'toy/b__stand_in')
    stated = replace(BETTER, experiments=named, needs=('weights',))
    for claimed, runs, told in ((stated, arms, True), (stated, [], False), (BETTER, arms, False)):
        [verdict] = judged(catalogue, [replace(claimed, needs=('weights',))], [*stored, *runs])
        assert verdict.answer == 'blocked (weights)'
        assert verdict.reason.startswith('It hangs on the initial weights resnet101-imagenet, and toy/a ran without')
        shown = 'Stand-in, which decides nothing: the mIoU of a__stand_in minus that of b__stand_in is 10.05 points'
        assert (shown in verdict.reason) == told
        assert verdict.reason.endswith('reproduced.') == told
        assert not any('stand_in' in name for name in verdict.evidence)


def test_stand_ins_that_ran_alone_are_told_and_nothing_is_measured(catalogue):
    arms = [run('a__stand_in', seed, 50.0 + seed / 10) for seed in range(3)]
    others = [run('b', seed, 40.0 + seed / 20) for seed in range(3)]
    stated = replace(BETTER, experiments=('toy/a', 'toy/a__stand_in', 'toy/b'), needs=('weights',))
    for runs, told in ((arms, False), ([*arms, *others], True)):
        [verdict] = judged(catalogue, [stated], runs)
        assert verdict.answer == 'not measured'
        assert verdict.setting
        assert verdict.reason.startswith('toy/a did not run in this setting.')
        assert ('Stand-in, which decides nothing: the mIoU of a__stand_in' in verdict.reason) == told


def test_steps_to_a_common_loss_are_those_of_each_against_the_other():
    check = Check('steps_to_common_loss', 'ratio', 'toy/a', ('toy/b',), 1.0, 0.15)
    assert keys(claim('X09', 'curve', check)) == [
        ('steps_to_common_loss', 'toy/a', 'toy/b'),
        ('steps_to_common_loss', 'toy/b', 'toy/a'),
    ]
