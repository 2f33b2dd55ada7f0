"""An interrupted training, continued, ends with the same bits as one left alone."""

import copy
import uuid

import numpy as np
import pytest
import torch
from mmengine.evaluator import BaseMetric
from mmengine.hooks import Hook
from mmengine.model import BaseModel
from mmengine.registry import DATASETS, HOOKS, METRICS, MODELS
from mmengine.runner import Runner

import custom_ops  # noqa: F401
from custom_ops.losses.late_check import LateCheck


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


@METRICS.register_module(force=True)
class Nearness(BaseMetric):
    """A score that every step changes, and that depends on the random numbers its samples are drawn with."""

    def process(self, data_batch, data_samples):
        self.results += [float(error) for error in data_samples]

    def compute_metrics(self, results):
        return {'miou': -sum(results), 'val_loss': sum(results)}


@HOOKS.register_module(force=True)
class KillAfterValidation(Hook):
    """End the process, as SIGKILL would, behind the validation at an iteration."""

    priority = 'LOWEST'

    def __init__(self, iteration):
        self.iteration = iteration

    def after_val_epoch(self, runner, metrics=None):
        if runner.iter == self.iteration:
            raise KeyboardInterrupt('killed')


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


def validating(work_dir, *hooks):
    """Return a config with validations after iterations 4, 8 and 12 and a checkpoint before each of them."""
    made = config(work_dir)
    loader = {**made['train_dataloader'], 'sampler': {'type': 'DefaultSampler', 'shuffle': False}}
    made |= {'val_dataloader': loader, 'val_cfg': {'type': 'ValLoop'}, 'val_evaluator': {'type': 'Nearness'}}
    made['default_hooks']['checkpoint'] |= {'interval_steps': 4, 'save_last': False}
    made['custom_hooks'] += [{'type': 'mmseg.BestWeightsHook'}, *hooks]
    return made


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


@DATASETS.register_module(force=True)
class NumbersOfWorkers(NoisyNumbers):
    """Samples that are nothing but what their worker drew."""

    def __getitem__(self, index):
        return {'x': torch.tensor([np.random.rand()], dtype=torch.float32)}


def test_workers_of_a_continued_training_do_not_draw_again_what_was_drawn(tmp_path, monkeypatch):
    def settings(stop_at=None):
        made = config(tmp_path / 'parts', stop_at=stop_at)
        seeded = {'type': 'seed_worker', 'seed': 3}
        made['train_dataloader'] |= {
            'num_workers': 2,
            'worker_init_fn': seeded,
            'dataset': {'type': 'NumbersOfWorkers'},
        }
        return made

    seen, forward = [], DropoutLine.forward
    monkeypatch.setattr(DropoutLine, 'forward', lambda self, x, mode: (seen.extend(x), forward(self, x, mode))[1])
    with pytest.raises(KeyboardInterrupt):
        train(settings(stop_at=5))
    train(settings())
    assert len(seen) == 24
    assert len({float(number) for number in seen}) == 24


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


@pytest.mark.parametrize('iteration', [4, 8, 12])
@pytest.mark.parametrize('interruption', ['StopAt', 'KillAfterValidation'])
def test_a_continued_training_has_every_validation_once(tmp_path, interruption, iteration):
    """Stopped between a checkpoint and the validation there, or killed behind it; the last one like any other."""

    def left(folder):
        lines = (tmp_path / folder / 'curves.csv').read_text().splitlines()
        return [line.rsplit(',', 1)[0] for line in lines]

    whole = train(validating(tmp_path / 'whole'))
    with pytest.raises(KeyboardInterrupt):
        train(validating(tmp_path / 'parts', {'type': interruption, 'iteration': iteration}))
    assert_same_bits(whole, train(validating(tmp_path / 'parts')))
    assert left('whole') == left('parts')
    assert [line.split(',')[0] for line in left('parts') if line.split(',')[4]] == ['step', '4', '8', '12']
    best, again = (torch.load(tmp_path / folder / 'best.pth') for folder in ('whole', 'parts'))
    assert best['meta'] == again['meta']
    assert_same_bits(best['state_dict'], again['state_dict'])


def test_values_that_a_loss_looks_at_late_are_looked_at_in_the_end(tmp_path, monkeypatch):
    def refuse(values):
        raise ValueError(f'illegal: {values}')

    def forward(model, x, mode='tensor', known=DropoutLine.forward):
        check.add(torch.tensor([7]))
        return known(model, x, mode)

    check = LateCheck(refuse)
    monkeypatch.setattr(DropoutLine, 'forward', forward)
    short = config(tmp_path)
    short['train_cfg']['max_iters'] = 3
    with pytest.raises(ValueError, match=r'illegal: \[7\]'):
        train(short)
    check.forget()
    assert not (tmp_path / 'last.pth').exists()


def test_other_seeds_give_other_weights(tmp_path):
    first = train(config(tmp_path / 'a'))
    second = train({**config(tmp_path / 'b'), 'randomness': {'seed': 8}})
    assert any(not torch.equal(first[name], second[name]) for name in first)
