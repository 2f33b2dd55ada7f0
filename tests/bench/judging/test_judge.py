import sys
from dataclasses import replace
from pathlib import Path
from typing import get_args

import numpy as np
import pytest

from bench.claims import NEVER, Answer, Check
from bench.judging import judge
from bench.judging.judge import best_verdicts, verdicts
from bench.judging.samples import Case, Circumstances, Conditions, Sample

sys.path.insert(0, str(Path(__file__).parent))

from toy_claims import FULL, HIGH, LOW, SHORT, SMOKE, absent, case, claim, greater, judged, sample


def test_every_answer_has_its_place_in_the_order_of_what_tells_most():
    assert set(judge._TELLING) == set(get_args(Answer))


def test_a_claim_that_holds_is_reproduced_with_its_evidence():
    verdict = judged(claim(greater()), sample('a', *HIGH), sample('b', *LOW))
    assert verdict.answer == 'reproduced'
    assert not verdict.reduced_budget
    assert verdict.effect == pytest.approx(9.975)
    assert verdict.low < verdict.effect < verdict.high
    assert (verdict.unit, verdict.seeds, verdict.setting) == ('points', 4, 'kitti, full')
    assert verdict.evidence == tuple(f'toy/{name}/run-seed{seed}' for name in 'ab' for seed in range(4))
    assert verdict.reason.startswith('The mIoU of a minus that of b is 9.975 points (95 % between ')
    assert verdict.reason.endswith(', over 4 seeds alone); more than 0 is claimed.')


def test_ious_of_a_class_differ_by_points():
    car = replace(greater(), metric='iou.car')
    found = {('iou.car', f'toy/{name}', ''): sample(name, *values) for name, values in (('a', HIGH), ('b', LOW))}
    [verdict] = verdicts([Case(claim(car), FULL, found)])
    assert (verdict.answer, verdict.unit) == ('reproduced', 'points')


def test_a_claim_that_fails_is_contradicted_and_one_between_is_open():
    assert judged(claim(greater()), sample('a', *LOW), sample('b', *HIGH)).answer == 'contradicted'
    verdict = judged(claim(greater()), sample('a', 40.0, 42.0, 44.0), sample('b', 41.0, 40.0, 42.0))
    assert verdict.answer == 'inconclusive'
    assert verdict.seeds_needed > 3
    assert judged(claim(greater()), sample('a', *HIGH), sample('b', *LOW)).seeds_needed is None


def trained(share, seeds=4, **more):
    return dict.fromkeys(range(seeds), Conditions(share=share, **more))


def test_trainings_out_of_their_documented_ratio_are_not_judged_and_equal_shares_are():
    """Twins of one seed: with unequal shares they are one training under two names."""
    long, brief = sample('a', *HIGH, conditions=trained(0.05)), sample('b', *LOW, conditions=trained(0.15))
    verdict = judged(claim(greater()), long, brief, where=SHORT)
    assert (verdict.answer, verdict.effect, verdict.reduced_budget) == ('not measured', None, False)
    assert verdict.reason == (
        'The training of b has 15 % of its documented epochs and that of a 5 %: the budget is too small to keep the '
        'documented ratio of trainings; a budget factor of 0.15 would do.'
    )
    equal = replace(brief, conditions=trained(0.05))
    assert judged(claim(greater()), long, equal, where=SHORT).answer == 'reproduced'
    order = Check('miou', 'order', 'toy/b', ('toy/a',), 0.9)
    assert judged(claim(order), long, brief, where=SHORT).answer == 'not measured'
    assert judged(claim(order), long, equal, where=SHORT).answer == 'reproduced'


def test_of_several_comparisons_those_in_ratio_can_still_contradict():
    first, second = sample('a', *LOW, conditions=trained(0.05)), sample('b', *HIGH, conditions=trained(0.05))
    third = sample('c', *LOW, conditions=trained(0.3))
    stated = claim(greater('toy/b', 'toy/c'))
    assert judged(stated, first, second, third, where=SHORT).answer == 'contradicted'
    first, second = replace(first, values=second.values), replace(second, values=first.values)
    verdict = judged(stated, first, second, third, where=SHORT)
    assert verdict.answer == 'not measured'
    assert 'the training of c has 30 %' in verdict.reason.lower()


def test_memory_of_a_batch_that_was_split_says_nothing_of_the_documented_one():
    stated = claim(Check('train_memory_gb', 'at_least', 'toy/a', (), 14.4), method='timed')
    for parts, answer in ((2, 'not measured'), (1, 'contradicted')):
        of = sample('a', 8.0, 8.1, 8.05, 8.02, conditions=trained(1.0, parts=parts))
        [verdict] = verdicts([Case(stated, FULL, {('train_memory_gb', 'toy/a', ''): of})])
        assert verdict.answer == answer
    assert verdict.seeds == 4


def test_scores_of_batches_that_were_split_differently_are_judged_and_it_is_said():
    split, whole = sample('a', *HIGH, conditions=trained(1.0, parts=2)), sample('b', *LOW, conditions=trained(1.0))
    verdict = judged(claim(greater()), split, whole)
    assert verdict.answer == 'reproduced'
    assert 'batches were split, that of a in 2 and that of b in 1: batch norm' in verdict.reason
    assert 'split' not in judged(claim(greater()), replace(split, conditions=whole.conditions), whole).reason


def test_what_statistics_of_batch_norm_make_of_a_difference_is_said_and_decides_nothing():
    above, below = sample('a', *HIGH), sample('b', *LOW)
    anew = replace(above, precise=dict.fromkeys(above.values, 10.0)), replace(below, precise=below.values)
    plain, told = judged(claim(greater()), above, below), judged(claim(greater()), *anew)
    assert told.answer == plain.answer == 'reproduced'
    assert 'with precise batch norm it is -30' in told.reason and 'precise' not in plain.reason


def test_a_claim_with_several_checks_needs_all_of_them():
    second = Check('miou', 'at_least', 'toy/a', (), 60.0)
    high, low = sample('a', *HIGH), sample('b', *LOW)
    assert judged(claim(greater(), second), high, low).answer == 'contradicted'
    assert judged(claim(greater(), replace(second, value=45.0)), high, low).answer == 'reproduced'
    verdict = judged(claim(greater(), replace(second, value=50.0)), high, low)
    assert verdict.answer == 'inconclusive'
    assert [finding.answer for finding in verdict.findings] == ['reproduced', 'inconclusive']
    assert verdict.reason.startswith('The mIoU of a is 50.02 percent')


def test_better_than_all_means_better_than_the_best():
    high, low, between = sample('a', *HIGH), sample('b', *LOW), sample('c', 60.0, 60.1, 59.9, 60.2)
    verdict = judged(claim(greater('toy/b', 'toy/c')), high, low, between)
    assert verdict.answer == 'contradicted'
    assert verdict.effect == pytest.approx(-10.025)


def test_what_is_missing_matters_only_where_the_rest_does_not_settle_it():
    both = claim(greater('toy/b', 'toy/c'))
    missing = absent('c', reason='toy/c did not run in this setting')
    assert judged(both, sample('a', *LOW), sample('b', *HIGH), missing).answer == 'contradicted'
    verdict = judged(both, sample('a', *HIGH), sample('b', *LOW), missing)
    assert (verdict.answer, verdict.reason) == ('not measured', 'toy/c did not run in this setting.')
    assert verdict.effect is None


def test_counts_of_other_networks_stand_aside_and_the_rest_may_still_contradict():
    def counted(name, value, **more):
        return sample(name, value, exact=True, runs=(), **more)

    both = claim(greater('toy/b', 'toy/c'))
    odd = counted('c', 90.0, unlike='c: 90, documented 20')
    assert judged(both, counted('a', 50.0), counted('b', 40.0), odd).answer == 'inconclusive'
    assert judged(both, counted('a', 50.0), counted('b', 60.0), odd).answer == 'contradicted'


def test_a_failed_run_is_told_before_one_that_was_never_made():
    failed = absent('c', 'failed', 'toy/c ended with oom: out of memory')
    verdict = judged(claim(greater('toy/b', 'toy/c')), sample('a', *HIGH), absent('b'), failed)
    assert (verdict.answer, verdict.reason) == ('failed', 'toy/c ended with oom: out of memory.')


@pytest.mark.parametrize(
    ('relation', 'where', 'expected'),
    [('at_least', FULL, 'reproduced'), ('at_least', SHORT, 'inconclusive'), ('at_most', FULL, 'failed')],
)
def test_a_run_that_ended_for_want_of_memory_speaks_where_that_is_claimed(relation, where, expected):
    """That it needs more than its device has says nothing of an upper end, nor of a smaller budget's documented one."""
    ended = absent('a', 'failed', 'toy/a ended with oom: out of memory')
    stated = claim(Check('miou', relation, 'toy/a', value=14.4), method='timed')
    assert judged(stated, replace(ended, runs=('r',)), where=where).answer == 'failed'
    assert judged(stated, replace(ended, runs=('r',), floor=16.9), where=where).answer == expected


def test_experiments_without_a_common_seed_are_not_compared():
    other = Sample('toy/b', 'miou', {7: 40.0, 8: 40.1}, runs=('r',))
    verdict = judged(claim(greater()), sample('a', *HIGH), other)
    assert (verdict.answer, verdict.reason) == ('not measured', 'toy/a shares no seed with the others.')


def test_a_smoke_run_is_no_evidence():
    verdict = judged(claim(greater()), sample('a', *HIGH), sample('b', *LOW), where=SMOKE)
    assert verdict.answer == 'not measured (smoke)'
    assert verdict.effect is None
    assert len(verdict.evidence) == 8


def test_a_comparison_survives_a_smaller_budget_and_is_marked():
    verdict = judged(claim(greater()), sample('a', *HIGH), sample('b', *LOW), where=SHORT)
    assert (verdict.answer, verdict.reduced_budget) == ('reproduced', True)


@pytest.mark.parametrize('relation', ['value', 'at_least', 'at_most'])
@pytest.mark.parametrize('documented', [50.0, 10.0, 90.0])
def test_a_documented_number_is_neither_met_nor_refuted_by_a_smaller_budget(relation, documented):
    stated = claim(Check('miou', relation, 'toy/a', (), documented, 1.0))
    verdict = judged(stated, sample('a', *HIGH), where=SHORT)
    assert (verdict.answer, verdict.reduced_budget) == ('inconclusive', True)
    assert verdict.effect == pytest.approx(50.025)
    assert verdict.seeds_needed == NEVER
    assert verdict.reason.endswith('a documented number is not judged by a run of a smaller budget or size.')


def test_a_documented_number_is_not_judged_on_other_data():
    other = replace(FULL, dataset='camvid', right_data=frozenset(), as_documented=frozenset())
    verdict = judged(claim(Check('miou', 'value', 'toy/a', (), 50.0, 1.0)), sample('a', *HIGH), where=other)
    assert verdict.answer == 'inconclusive'
    assert 'documented on other data than camvid' in verdict.reason


@pytest.mark.parametrize(('documented', 'expected'), [(50.1, 'reproduced'), (60.0, 'contradicted')])
def test_a_documented_number_is_judged_by_runs_as_documented(documented, expected):
    stated = claim(Check('miou', 'value', 'toy/a', (), documented, 1.0))
    assert judged(stated, sample('a', *HIGH)).answer == expected


def test_data_blocks_only_where_the_claim_hangs_on_it_and_it_is_another():
    other = replace(FULL, dataset='camvid', right_data=frozenset({'toy/a'}))
    samples = sample('a', *HIGH), sample('b', *LOW)
    verdict = judged(claim(greater(), needs=('data',)), *samples, where=other)
    assert verdict.answer == 'blocked (data)'
    assert verdict.reason == 'It hangs on the documented data set, and toy/b ran on camvid.'
    assert judged(claim(greater(), needs=('data',)), *samples).answer == 'reproduced'
    assert judged(claim(greater()), *samples, where=other).answer == 'reproduced'


def test_weights_block_only_where_the_claim_hangs_on_them_and_a_run_lacked_them():
    lacking = sample('a', *HIGH, lacking='resnet101-imagenet'), sample('b', *LOW)
    verdict = judged(claim(greater(), needs=('weights',)), *lacking)
    assert verdict.answer == 'blocked (weights)'
    assert verdict.reason == 'It hangs on the initial weights resnet101-imagenet, and toy/a ran without.'
    assert judged(claim(greater()), *lacking).answer == 'reproduced'
    stated = claim(greater(), needs=('weights',))
    assert judged(stated, sample('a', *HIGH), sample('b', *LOW)).answer == 'reproduced'


def test_hardware_blocks_on_a_cpu_and_never_what_is_counted():
    stated = claim(greater(), needs=('hardware',))
    cpu = replace(FULL, on_gpu=False)
    assert judged(stated, sample('a', *HIGH), sample('b', *LOW), where=cpu).answer == 'blocked (hardware)'
    assert judged(stated, sample('a', *HIGH), sample('b', *LOW)).answer == 'reproduced'
    counts = [Sample(f'toy/{name}', 'miou', {0: value}, exact=True) for name, value in (('a', 2.0), ('b', 1.0))]
    assert judged(stated, *counts, where=Circumstances('counted')).answer == 'reproduced'


def test_smoke_comes_before_what_blocks():
    stated = claim(greater(), needs=('hardware',))
    where = replace(SMOKE, on_gpu=False)
    assert judged(stated, sample('a', *HIGH), sample('b', *LOW), where=where).answer == 'not measured (smoke)'


def test_counts_are_decided_without_runs_seeds_or_correction():
    counts = [Sample(f'toy/{name}', 'miou', {0: value}, exact=True) for name, value in (('a', 2.0), ('b', 1.0))]
    many = [case(claim(greater(), name=f'X{index:02}'), *counts, where=Circumstances('counted')) for index in range(60)]
    assert {verdict.answer for verdict in verdicts(many)} == {'reproduced'}
    verdict = judged(claim(greater(margin=1.0)), *counts, where=Circumstances('counted'))
    assert (verdict.answer, verdict.effect, verdict.low, verdict.high) == ('contradicted', 1.0, 1.0, 1.0)
    assert (verdict.evidence, verdict.seeds, verdict.reduced_budget) == ((), 0, False)


def test_no_metric_is_undecidable_with_its_reason_and_no_run_is_not_measured():
    stated = claim(method='none', reason='only pictures are shown')
    assert judged(stated, where=Circumstances('')).reason == 'Only pictures are shown.'
    assert judged(stated, where=Circumstances('')).answer == 'undecidable'
    never = absent('a', reason='toy/a was never run'), absent('b')
    verdict = judged(claim(greater()), *never, where=Circumstances(''))
    assert (verdict.answer, verdict.reason, verdict.setting) == ('not measured', 'toy/a was never run.', '')


def test_what_one_claim_would_show_alone_it_may_not_show_among_many():
    """Two seeds of noise short of nothing: p is 0.01, enough for one claim and too little for forty."""
    barely = sample('a', 41.0, 42.5, 42.0), sample('b', 40.0, 40.4, 40.5)
    open_ones = sample('a', 41.0, 39.5, 40.0), sample('b', 40.0, 40.4, 40.5)
    alone = judged(claim(greater()), *barely)
    assert alone.answer == 'reproduced'
    cases = [case(claim(greater()), *barely)]
    cases += [case(claim(greater(), name=f'X{index:02}'), *open_ones) for index in range(2, 41)]
    first, *others = verdicts(cases)
    assert first.answer == 'inconclusive'
    assert first.reason.endswith('clear by itself, but not as one of 40 claims judged here.')
    assert first.seeds_needed > 3
    assert {verdict.answer for verdict in others} == {'inconclusive'}
    elsewhere = [replace(one, where=SHORT) for one in cases[1:]]
    assert verdicts([cases[0], *elsewhere])[0].answer == 'reproduced'


def test_false_verdicts_stay_rare_over_all_claims_of_a_setting():
    """Twelve claims about twins: at most one study in twenty may say anything about any of them.

    Two standard errors of these studies are two and a half percent.
    """
    generator = np.random.default_rng(0)
    studies, wrong = 300, 0
    for _ in range(studies):
        cases = []
        for index in range(12):
            twins = [sample(name, *generator.normal(40, 1, 3)) for name in 'ab']
            cases.append(case(claim(greater(), name=f'X{index:02}'), *twins))
        wrong += any(verdict.answer != 'inconclusive' for verdict in verdicts(cases))
    assert wrong / studies <= 0.075


def test_a_real_difference_is_found_among_many():
    cases = [case(claim(greater(), name=f'X{i:02}'), sample('a', *HIGH), sample('b', *LOW)) for i in range(40)]
    assert {verdict.answer for verdict in verdicts(cases)} == {'reproduced'}


def test_verdicts_keep_the_order_of_claims_and_sort_settings():
    runs = sample('a', *HIGH), sample('b', *LOW)
    stated = [claim(greater(), name=name) for name in ('X02', 'X01')]
    cases = [case(one, *runs, where=where) for where in (SMOKE, SHORT, FULL) for one in stated]
    found = [(verdict.claim, verdict.setting) for verdict in verdicts(cases)]
    settings = ('kitti, full', 'kitti, short', 'scenes, smoke')
    assert found == [(name, setting) for name in ('X02', 'X01') for setting in settings]


def test_the_best_verdict_is_a_measured_one_of_the_most_telling_setting_whatever_it_says():
    clear = sample('a', *HIGH), sample('b', *LOW)
    vague = sample('a', 40.0, 42.0, 44.0), sample('b', 41.0, 40.0, 42.0)
    stated = claim(greater())
    best = best_verdicts(verdicts([case(stated, *clear, where=SHORT), case(stated, *vague, where=FULL)]))
    assert (best['X01'].setting, best['X01'].answer) == ('kitti, full', 'inconclusive')
    half = case(stated, sample('a', *HIGH), absent('b'), where=FULL)
    best = best_verdicts(verdicts([half, case(stated, *clear, where=SMOKE), case(stated, *clear, where=SHORT)]))
    assert (best['X01'].setting, best['X01'].answer) == ('kitti, short', 'reproduced')
    best = best_verdicts(verdicts([half, case(stated, *clear, where=SMOKE)]))
    assert best['X01'].answer == 'not measured (smoke)'


def test_weights_that_runs_lacked_are_told_with_what_was_measured():
    lacking = sample('a', *HIGH, lacking='resnet101-imagenet'), sample('b', *LOW, lacking='resnet101-imagenet')
    assert judged(claim(greater()), *lacking).reason.endswith(
        '; trained without the documented resnet101-imagenet weights.'
    )
