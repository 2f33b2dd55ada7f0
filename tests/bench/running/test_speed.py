"""How a step is computed changes its loss by rounding alone."""

import pytest
import torch

from bench import budgets, compose, data_sets, paths
from bench.records import Run
from bench.running import layout, training
from bench.running.progress import ProgressHook

SIZE, STEPS = (64, 96), 3
SAME = {'fp32': 1e-3, 'bf16': 5e-2}
"""What may change in the first losses, as a share of them."""


def losses(folder, *switches, precision='fp32', fused=False):
    """The first losses of ENet from one seed."""
    run = Run('kitti_ablation/enet', 'scenes', SIZE, 'smoke', 0.0, 0, precision, switches=switches)
    dataset = data_sets.find('scenes')
    lists = data_sets.write_pair_lists(dataset, folder / 'lists')
    experiment = compose.read_experiment(paths.configs_dir() / f'{run.experiment}.py')
    rule = budgets.for_network(budgets.rule('smoke'), 10**9, 0) if fused else budgets.rule('smoke')
    made = compose.compose(experiment, run, dataset, lists, rule, folder / 'work', save_last=False)
    made.config.train_cfg.max_iters = STEPS
    made.config.train_cfg.val_begin = made.config.train_cfg.val_interval = 10**9
    made.config.resume = False
    runner = training._runner(made.config)
    layout.prepare(runner.model, run, trains=True)
    told = []
    runner.register_hook(ProgressHook(lambda message: told.append(message['loss']), 0, STEPS, 1))
    runner.train()
    return torch.tensor(told), bool(made.config.optim_wrapper.optimizer.get('fused'))


@pytest.fixture(scope='module')
def usual(tmp_path_factory):
    found, _ = losses(tmp_path_factory.mktemp('usual'))
    assert len(found) == STEPS and found[-1] != found[0]
    return found


def test_the_layout_changes_the_losses_by_rounding_alone(usual, tmp_path):
    found, _ = losses(tmp_path, 'no-channels-last')
    torch.testing.assert_close(found, usual, rtol=SAME['fp32'], atol=0)


def test_fusing_changes_the_losses_by_rounding_alone(usual, tmp_path):
    found, fused = losses(tmp_path / 'with', fused=True)
    torch.testing.assert_close(found, usual, rtol=SAME['fp32'], atol=0)
    assert fused and not losses(tmp_path / 'without', 'no-fused', fused=True)[1]


def test_bf16_changes_the_losses_by_its_shorter_mantissa(usual, tmp_path):
    found, _ = losses(tmp_path, precision='bf16')
    torch.testing.assert_close(found, usual, rtol=SAME['bf16'], atol=0)
    assert not torch.equal(found, usual)
