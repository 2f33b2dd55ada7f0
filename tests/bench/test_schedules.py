import csv
import sys
from pathlib import Path

import pytest
import torch
from mmengine.optim import OptimWrapper
from mmengine.registry import PARAM_SCHEDULERS

from bench import budgets, schedules
from bench.errors import PlanError
from bench.records import Run

sys.path.insert(0, str(Path(__file__).parent / 'fake_benchmark'))

import build
import jobs


def built(entry, *, epochs=100, steps=200, accumulate=1, lr=1e-3):
    """The scheduler that mmengine makes of one schedule entry, and the optimiser it moves."""
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=lr)
    [config] = schedules.schedulers([entry], epochs, steps, accumulate)
    wrapper = OptimWrapper(optimizer)
    return PARAM_SCHEDULERS.build(config, default_args={'optimizer': wrapper}), wrapper


def rate(optimizer):
    return optimizer.param_groups[0]['lr']


@pytest.mark.parametrize(('steps', 'accumulate'), [(150, 1), (15, 1), (30, 4)])
def test_a_decay_at_an_epoch_falls_at_the_same_share_of_any_run(steps, accumulate):
    """Epoch 100 of 150 is two thirds of the way."""
    entry = {'kind': 'multistep', 'at_epochs': (100,), 'gamma': 0.1}
    scheduler, optimizer = built(entry, epochs=150, steps=steps, accumulate=accumulate)
    rates = []
    for _ in range(steps * accumulate):
        rates.append(rate(optimizer))
        optimizer.step()
        scheduler.step()
    assert rates.count(1e-3) == steps * accumulate * 2 // 3
    assert rates[-1] == pytest.approx(1e-4)


def test_every_milestone_is_kept():
    entry = {'kind': 'multistep', 'at_epochs': (30, 60, 90), 'gamma': 0.5}
    [config] = schedules.schedulers([entry], 100, 1000, 2)
    assert config == {'type': 'MultiStepLR', 'milestones': [600, 1200, 1800], 'gamma': 0.5, 'by_epoch': False}


PLATEAU = {'kind': 'plateau', 'factor': 0.1, 'patience_epochs': 4}


def test_a_plateau_lowers_the_rate_as_torch_does():
    losses = [2.0, 1.5, 1.2, 1.3, 1.2, 1.4, 1.25, 1.19999, 1.3, 1.1, 1.2, 1.2, 1.2, 1.2, 1.2, 1.0]
    scheduler, optimizer = built(PLATEAU)
    reference = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1e-3)
    plateau = torch.optim.lr_scheduler.ReduceLROnPlateau(reference, 'min', patience=4)
    rates = []
    for loss in losses:
        scheduler.step({'val_loss': loss, 'miou': 50.0})
        plateau.step(loss)
        assert rate(optimizer) == pytest.approx(rate(reference))
        rates.append(rate(optimizer))
    assert min(rates) == pytest.approx(1e-5), 'the losses above must reach two plateaus for this to say anything'


@pytest.fixture(scope='module')
def curve(tmp_path_factory):
    """Rows of a run of six epochs of four steps whose rate halves whenever the validation loss does not fall."""
    folder = tmp_path_factory.mktemp('plateau')
    build.write_images(folder / 'images')
    benchmark = build.write_benchmark(folder / 'benchmark', {'good': None}, epochs=6.0)
    config = benchmark / 'configs' / 'fake' / 'good.py'
    text = config.read_text().replace("kind='poly', power=0.9", "kind='plateau', factor=0.5, patience_epochs=0")
    # Too slow for any loss to fall noticeably: every validation but the first finds a plateau.
    config.write_text(text.replace('lr=0.01', 'lr=1e-7'))
    run = Run('fake/good', 'folder', (64, 80), 'full', 1.0, 0)
    target, receipt = jobs.execute(jobs.make_job(folder, config, run))
    assert receipt.status == 'ok', receipt.reason
    with (target / 'curves.csv').open(newline='') as lines:
        return list(csv.DictReader(lines))


def test_a_plateau_is_looked_for_once_an_epoch_of_a_training(curve):
    validated = [int(row['step']) for row in curve if row['val_miou']]
    assert validated == [4, 8, 12, 16, 20, 24]
    rates = [float(row['lr']) for row in curve if row['lr']]
    # The first validation sets the mark; each later one halves the rate, until a change would be below 1e-8.
    assert rates == pytest.approx([1e-7] * 8 + [5e-8] * 4 + [2.5e-8] * 4 + [1.25e-8] * 8)


PLATEAUS, CONSTANT = [{'kind': 'plateau'}], [{'kind': 'constant'}]


def test_val_is_scored_once_an_epoch_where_the_schedule_waits_for_it():
    smoke, short, full = (budgets.rule(name) for name in ('smoke', 'short', 'full'))
    assert schedules.validations(100, PLATEAUS, short) == 100
    assert schedules.validations(100, PLATEAUS, full) == 100
    assert schedules.validations(5, PLATEAUS, full) == 5
    assert schedules.validations(100, PLATEAUS, smoke) == smoke.validations
    assert schedules.validations(100, CONSTANT, full) == full.validations


def test_a_stage_has_its_share_of_the_validations_and_one_at_least():
    full = budgets.rule('full')
    assert schedules.validations(100, CONSTANT, full, share=0.25) == full.validations / 4
    assert schedules.validations(100, CONSTANT, full, share=1e-6) == 1


def test_a_constant_rate_needs_no_scheduler():
    assert schedules.schedulers(CONSTANT, 100, 10, 1) == []


def test_an_unknown_kind_names_the_choices():
    message = r"unknown schedule kind 'cosine': choose from constant, poly, step, multistep, plateau"
    with pytest.raises(PlanError, match=message):
        schedules.schedulers([{'kind': 'cosine'}], 100, 10, 1)


def rates_of(configs, iterations):
    """The learning rate of every iteration under mmengine's schedulers, several one after the other or together."""
    wrapper = OptimWrapper(torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.1))
    made = [PARAM_SCHEDULERS.build(dict(one), default_args={'optimizer': wrapper}) for one in configs]
    found = []
    for _ in range(iterations):
        found.append(rate(wrapper))
        wrapper.step()
        for one in made:
            one.step()
    return found


OF_THE_TOOLBOX = [
    {'type': 'PolyLR', 'power': 0.9, 'eta_min': 1e-4, 'begin': 0, 'end': 300},
    {'type': 'PolyLR', 'power': 0.9, 'eta_min': 1e-4, 'begin': 60, 'end': 300},
    {'type': 'LinearLR', 'start_factor': 0.01, 'begin': 0, 'end': 60},
    {'type': 'ConstantLR', 'factor': 0.3, 'begin': 0, 'end': 120},
    {'type': 'StepLR', 'step_size': 60, 'gamma': 0.5},
    {'type': 'MultiStepLR', 'milestones': [120, 240], 'gamma': 0.1},
    {'type': 'CosineAnnealingLR', 'T_max': 300, 'eta_min': 1e-3},
    {'type': 'ExponentialLR', 'gamma': 0.99},
]


@pytest.mark.parametrize('scheduler', OF_THE_TOOLBOX, ids=lambda one: one['type'])
@pytest.mark.parametrize('accumulate', [1, 2])
def test_a_scheduler_of_a_config_is_kept_over_its_own_training_and_stretched_over_another(scheduler, accumulate):
    entry = {'kind': 'toolbox', 'of': 300, 'scheduler': {**scheduler, 'by_epoch': False}}
    reference = rates_of([entry['scheduler']], 300)
    assert reference[0] != reference[-1]
    same = schedules.schedulers([entry], 7, 300 // accumulate, accumulate)
    assert rates_of(same, 300) == pytest.approx(reference, abs=1e-12)
    # On average over the training: where a rate jumps, one iteration falls before the jump or after it.
    for iterations, off in ((1200, 0.001), (60, 0.004)):
        stretched = rates_of(schedules.schedulers([entry], 7, iterations // accumulate, accumulate), iterations)
        wanted = [reference[300 * one // iterations] for one in range(iterations)]
        gaps = [abs(one - other) for one, other in zip(stretched, wanted, strict=True)]
        assert sum(gaps) / iterations < off


def test_a_scheduler_that_counts_epochs_is_counted_in_iterations():
    scheduler = {'type': 'MultiStepLR', 'milestones': [8, 11], 'gamma': 0.1, 'by_epoch': True}
    scheduler['convert_to_iter_based'] = True
    [made] = schedules.schedulers([{'kind': 'toolbox', 'of': 12, 'scheduler': scheduler}], 12, 600, 1)
    assert made == {'by_epoch': False, 'type': 'MultiStepLR', 'milestones': [400, 550], 'gamma': 0.1}


@pytest.mark.parametrize('kind', schedules.WARMUPS)
def test_a_warm_up_too_short_to_end_is_left_out(kind):
    """From one iteration it would never set the rate back."""
    warm_up = {'type': kind, 'begin': 0, 'end': 1500, 'by_epoch': False}
    entries = [{'kind': 'toolbox', 'of': 80000, 'scheduler': warm_up}]
    assert schedules.schedulers(entries, 1, 8, 1) == []
    for steps in (100, 150, 1000):
        assert rates_of(schedules.schedulers(entries, 1, steps, 1), steps)[-1] == pytest.approx(0.1)


def test_a_scheduler_that_cannot_be_stretched_names_the_choices():
    entry = {'kind': 'toolbox', 'of': 10, 'scheduler': {'type': 'ReduceOnPlateauLR'}}
    with pytest.raises(PlanError, match=r"scheduler 'ReduceOnPlateauLR' cannot be stretched .* choose from PolyLR, "):
        schedules.schedulers([entry], 1, 10, 1)
