import pytest

from bench import budgets, plan
from bench.errors import PlanError
from bench.experiments import Experiment


def experiment(name, parents=(), **kwargs):
    return Experiment(id=name, title=name, section='1', provenance='R', parents=parents, **kwargs)


def make(experiments, selected=None, **kwargs):
    known = {one.id: one for one in experiments}
    options = {'dataset': 'camvid', 'size': (180, 240), 'rule': budgets.rule('short'), **kwargs}
    return plan.make_plan(known, selected or list(known), **options)


def test_parents_come_first_and_are_planned_even_when_not_selected():
    made = make(
        [experiment('r/child', ('r/parent',)), experiment('r/parent', ('r/root',)), experiment('r/root')], ['r/child']
    )
    assert [run.experiment for run in made.runs] == ['r/root', 'r/parent', 'r/child']
    assert made.runs[-1].parents == ('r/parent/camvid-180x240-shortx0.1-seed0',)
    assert made.runs[-1].parents[0] == made.runs[1].folder


def test_every_experiment_has_its_first_seed_before_any_has_its_second():
    made = make([experiment('r/a'), experiment('r/b')], seeds=(3, 4))
    assert [(run.experiment, run.seed) for run in made.runs] == [('r/a', 3), ('r/b', 3), ('r/a', 4), ('r/b', 4)]


def test_the_users_order_is_kept_where_nothing_depends():
    made = make([experiment('r/a'), experiment('r/b'), experiment('r/c')], ['r/c', 'r/a', 'r/b'])
    assert [run.experiment for run in made.runs] == ['r/c', 'r/a', 'r/b']


def test_an_undescribed_experiment_is_left_out_with_its_reason():
    made = make([experiment('r/a'), experiment('r/b', status='undescribed', reason='never described')])
    assert [run.experiment for run in made.runs] == ['r/a']
    assert made.left_out == {'r/b': 'never described'}


def test_a_circle_is_refused_with_its_members():
    with pytest.raises(PlanError, match=r'r/[ab] -> r/[ab] -> r/[ab]'):
        make([experiment('r/a', ('r/b',)), experiment('r/b', ('r/a',))])


@pytest.mark.parametrize('seeds', [(), (0, -1)])
def test_no_seed_and_one_below_zero_are_refused(seeds):
    with pytest.raises(PlanError, match='at least one is needed, and none below 0'):
        make([experiment('r/a')], seeds=seeds)


@pytest.mark.parametrize(
    ('budget', 'factor', 'precision', 'variant'),
    [
        ('smoke', None, 'fp32', 'camvid-180x240-smoke-seed0'),
        ('short', 0.05, 'fp32', 'camvid-180x240-shortx0.05-seed0'),
        ('full', None, 'fp32', 'camvid-180x240-full-seed0'),
        ('short', None, 'bf16', 'camvid-180x240-shortx0.1-bf16-seed0'),
    ],
)
def test_the_folder_says_data_size_budget_and_seed(budget, factor, precision, variant):
    made = make([experiment('r/a')], rule=budgets.rule(budget, factor), precision=precision)
    assert made.runs[0].folder == f'r/a/{variant}'


def test_switches_name_the_runs_and_their_parents():
    made = make([experiment('r/child', ('r/parent',)), experiment('r/parent')], switches=('no-fused',))
    assert [run.variant for run in made.runs] == ['camvid-180x240-shortx0.1-no-fused-seed0'] * 2
    assert made.runs[1].parents == (made.runs[0].folder,)
