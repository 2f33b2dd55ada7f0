from types import SimpleNamespace

import pytest
import torch
from torch import distributed, nn
from torch.nn.parallel import DistributedDataParallel

from custom_ops.hooks.freeze import FreezeHook, turn_at


class Network(nn.Module):
    def __init__(self):
        super().__init__()
        self.backbone = nn.Sequential(nn.Conv2d(1, 2, 1), nn.BatchNorm2d(2))
        self.decode_head = nn.Conv2d(2, 3, 1)

    def forward(self, images):
        return self.decode_head(self.backbone(images))


def run(hook, iterations, model, max_iters=None, start=0):
    """Yield which parts train at each iteration, as the training loop would find them."""
    runner = SimpleNamespace(model=model, iter=start, max_iters=max_iters or iterations)
    hook.before_train(runner)
    for runner.iter in range(start, iterations):
        model.train()
        hook.before_train_iter(runner, runner.iter)
        yield [
            name
            for name, part in model.named_children()
            if part.training and all(p.requires_grad for p in part.parameters())
        ]


def test_turns_divide_the_training_equally():
    hook = FreezeHook([['trunk'], ['segmentation']])
    assert list(run(hook, 4, Network())) == [['decode_head']] * 2 + [['backbone']] * 2


def test_turns_of_a_given_length_repeat():
    hook = FreezeHook([['trunk'], ['segmentation'], []], turn_iters=1)
    cycle = [['decode_head'], ['backbone'], ['backbone', 'decode_head']]
    assert list(run(hook, 6, Network())) == cycle * 2


def test_a_resumed_training_is_in_the_turn_it_was_in():
    hook = FreezeHook([['trunk'], ['segmentation']], turn_iters=2)
    assert list(run(hook, 5, Network(), start=3)) == [['backbone'], ['decode_head']]


def test_frozen_statistics_do_not_move_when_validation_wakes_the_model():
    model, hook = Network(), FreezeHook([['trunk']])
    before = model.backbone[1].running_mean.clone()
    for _ in run(hook, 3, model):
        model(torch.randn(4, 1, 8, 8))
    assert torch.equal(model.backbone[1].running_mean, before)


@pytest.fixture
def group(tmp_path):
    """A group of one process, which is enough for DDP to wait for gradients."""
    distributed.init_process_group('gloo', f'file://{tmp_path / "meeting"}', world_size=1, rank=0)
    yield
    distributed.destroy_process_group()


@pytest.mark.usefixtures('group')
@pytest.mark.parametrize('find', [True, False])
def test_ddp_has_to_look_for_what_is_frozen(find):
    network = Network()
    model = DistributedDataParallel(network, find_unused_parameters=find)

    def train():
        for _ in run(FreezeHook([['trunk'], ['segmentation']]), 4, model):
            model.zero_grad()
            model(torch.randn(2, 1, 4, 4)).square().mean().backward()
            yield [part.weight.grad is not None for part in (network.backbone[0], network.decode_head)]

    if find:
        assert list(train()) == [[False, True]] * 2 + [[True, False]] * 2
    else:
        with pytest.raises(RuntimeError, match='find_unused_parameters=True'):
            list(train())


@pytest.mark.parametrize(
    ('iteration', 'turn_iters', 'expected'), [(0, None, 0), (3, None, 0), (4, None, 1), (9, None, 2), (7, 2, 0)]
)
def test_turns_by_iteration(iteration, turn_iters, expected):
    assert turn_at(iteration, 3, turn_iters, max_iters=10) == expected


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        (dict(turns=[]), r'turns is \[\]'),
        (dict(turns=['trunk']), r'must hold one list of block names per turn'),
        (dict(turns=[['trunk']], turn_iters=0), 'turn_iters is 0; it must be at least 1'),
    ],
)
def test_wrong_options_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        FreezeHook(**options)


def test_a_name_in_a_later_turn_is_checked_before_training():
    hook = FreezeHook([['trunk'], ['attention']])
    with pytest.raises(ValueError, match="'attention'; choose from trunk, segmentation"):
        hook.before_train(SimpleNamespace(model=Network(), iter=0, max_iters=2))
