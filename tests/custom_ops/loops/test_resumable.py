"""An interrupted training, continued, ends with the same bits as one left alone."""

import copy
import uuid

import numpy as np
import pytest
import torch
from mmengine.hooks import Hook
from mmengine.model import BaseModel
from mmengine.registry import DATASETS, HOOKS, MODELS
from mmengine.runner import Runner

import custom_ops  # noqa: F401


@DATASETS.register_module(force=True)
class NoisyNumbers(torch.utils.data.Dataset):
    """Samples that depend on NumPy's global generator, as augmented images do."""

    def __len__(self):
        return 10

    def __getitem__(self, index):
        return {'x': torch.tensor([index / 10 + np.random.rand()], dtype=torch.float32)}


@MODELS.register_module(force=True)
class DropoutLine(BaseModel):
    """A model whose step depends on torch's global generator, through dropout."""

    def __init__(self):
        super().__init__()
        self.net = torch.nn.Sequential(torch.nn.Linear(1, 16), torch.nn.Dropout(0.5), torch.nn.Linear(16, 1))

    def forward(self, x, mode='tensor'):
        error = (self.net(x) - 3 * x).square().mean()
        return {'loss': error} if mode == 'loss' else [error]


@HOOKS.register_module(force=True)
class StopAt(Hook):
    """Ask for a stop at an iteration, as a signal would."""

    priority = 'HIGH'

    def __init__(self, iteration):
        self.iteration = iteration

    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None):
        if runner.iter + 1 == self.iteration:
            for hook in runner.hooks:
                if hasattr(hook, 'stop_requested'):
                    hook.stop_requested = True


def config(work_dir, stop_at=None, accumulate=1):
    hooks = [{'type': 'mmseg.CurveHook', 'steps_per_epoch': 5, 'accumulate': accumulate}]
    if stop_at:
        hooks.append({'type': 'StopAt', 'iteration': stop_at})
    return {
        'model': {'type': 'DropoutLine'},
        'work_dir': str(work_dir),
        'train_dataloader': {
            'batch_size': 2,
            'num_workers': 0,
            'collate_fn': {'type': 'default_collate'},
            'sampler': {'type': 'InfiniteSampler', 'shuffle': True},
            'dataset': {'type': 'NoisyNumbers'},
        },
        'train_cfg': {'type': 'mmseg.ResumableIterLoop', 'max_iters': 12, 'val_interval': 4},
        'optim_wrapper': {'optimizer': {'type': 'Adam', 'lr': 0.01}, 'accumulative_counts': accumulate},
        'param_scheduler': [{'type': 'PolyLR', 'end': 12, 'by_epoch': False}],
        'default_hooks': {
            'checkpoint': {'type': 'mmseg.AtomicCheckpointHook', 'accumulate': accumulate},
            'logger': None,
        },
        'custom_hooks': hooks,
        'randomness': {'seed': 7},
        'resume': True,
        'log_level': 'ERROR',
        'experiment_name': uuid.uuid4().hex,
    }


def train(settings):
    runner = Runner(**copy.deepcopy(settings))
    runner.train()
    return {name: tensor.clone() for name, tensor in runner.model.state_dict().items()}


def assert_same_bits(first, second):
    assert first.keys() == second.keys()
    for name, tensor in first.items():
        assert torch.equal(tensor, second[name]), name


@pytest.mark.parametrize(('accumulate', 'stop_at'), [(1, 5), (1, 8), (2, 6), (2, 7)])
def test_a_continued_training_is_bit_equal(tmp_path, accumulate, stop_at):
    whole = train(config(tmp_path / 'whole', accumulate=accumulate))
    with pytest.raises(KeyboardInterrupt, match='asked to stop'):
        train(config(tmp_path / 'parts', stop_at=stop_at, accumulate=accumulate))
    # Another program may have drawn numbers in between.
    torch.rand(100), np.random.rand(100)
    assert_same_bits(whole, train(config(tmp_path / 'parts', accumulate=accumulate)))


def test_the_curve_of_a_continued_training_has_every_step_once(tmp_path):
    train(config(tmp_path / 'whole'))
    with pytest.raises(KeyboardInterrupt):
        train(config(tmp_path / 'parts', stop_at=5))
    train(config(tmp_path / 'parts'))

    def losses(folder):
        lines = (tmp_path / folder / 'curves.csv').read_text().splitlines()
        return [line.rsplit(',', 1)[0] for line in lines]

    assert losses('whole') == losses('parts')
    assert [line.split(',')[0] for line in losses('parts')[1:]] == [str(step) for step in range(1, 13)]


def test_other_seeds_give_other_weights(tmp_path):
    first = train(config(tmp_path / 'a'))
    second = train({**config(tmp_path / 'b'), 'randomness': {'seed': 8}})
    assert any(not torch.equal(first[name], second[name]) for name in first)
