import copy

import pytest
import torch
from mmengine.optim import PolyLR, build_optim_wrapper
from torch import nn

import custom_ops  # noqa: F401 - registers the constructor

OPTIONS = {'custom_keys': {'head': {'lr_mult': 10.0}}, 'norm_decay_mult': 0.0}


class Network(nn.Module):
    def __init__(self):
        super().__init__()
        self.trunk = nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), nn.BatchNorm2d(4), nn.Conv2d(4, 4, 1))
        self.head = nn.Sequential(nn.Conv2d(4, 4, 1), nn.Sequential(nn.Conv2d(4, 2, 1)))

    def forward(self, image):
        return self.head(self.trunk(image))


def trained(**constructor):
    torch.manual_seed(0)
    model, image = Network(), torch.randn(2, 3, 8, 8)
    optimizer = {'type': 'SGD', 'lr': 0.01, 'momentum': 0.9, 'weight_decay': 0.1}
    wrapper = build_optim_wrapper(model, {'optimizer': optimizer, 'paramwise_cfg': OPTIONS, **constructor})
    for _ in range(3):
        wrapper.update_params(model(image).square().mean())
    return model, wrapper.optimizer.param_groups


def test_parameters_of_the_same_options_are_one_group_and_train_alike():
    plain, apart = trained()
    model, groups = trained(constructor='JoinedGroupsConstructor')
    assert len(apart) == len(list(plain.parameters())) == 10
    assert [(group['lr'], group['weight_decay'], len(group['params'])) for group in groups] == [
        (0.01, 0.1, 4),
        (0.01, 0.0, 2),
        (0.1, 0.1, 4),
    ]
    for one, other in zip(model.parameters(), plain.parameters(), strict=True):
        assert torch.equal(one, other)


class Tied(nn.Module):
    def __init__(self):
        super().__init__()
        self.head, self.other = nn.Linear(2, 2, bias=False), nn.Linear(2, 2, bias=False)
        self.other.weight = self.head.weight


def build(**paramwise):
    optimizer = {'type': 'SGD', 'lr': 0.1, 'weight_decay': 0.1}
    joined = {'paramwise_cfg': paramwise, 'constructor': 'JoinedGroupsConstructor'}
    return build_optim_wrapper(Tied(), {'optimizer': optimizer, **joined})


def test_a_shared_parameter_is_updated_once():
    [group] = build(norm_decay_mult=0.0).param_groups
    assert len(group['params']) == 1


def test_a_shared_parameter_with_two_sets_of_options_is_refused():
    with pytest.raises(ValueError, match=r'a shared parameter of shape \(2, 2\) has the options .*: it needs one'):
        build(custom_keys={'head': {'lr_mult': 10.0}})


def test_a_training_that_is_resumed_ends_as_one_that_is_not():
    """With a schedule, which each group follows by itself."""

    def steps(wrapper, schedule, model, image, count):
        for _ in range(count):
            wrapper.update_params(model(image).square().mean())
            schedule.step()

    def make():
        torch.manual_seed(0)
        model = Network()
        wrapper = build_optim_wrapper(model, {
            'optimizer': {'type': 'SGD', 'lr': 0.01, 'momentum': 0.9, 'weight_decay': 0.1}, 'paramwise_cfg': OPTIONS,
            'constructor': 'JoinedGroupsConstructor',
        })  # fmt: skip
        return model, wrapper, PolyLR(wrapper, end=6), torch.randn(2, 3, 8, 8)

    model, wrapper, schedule, image = make()
    steps(wrapper, schedule, model, image, 3)
    kept = [copy.deepcopy(part.state_dict()) for part in (model, wrapper, schedule)]
    steps(wrapper, schedule, model, image, 3)
    again, wrapper, schedule, _ = make()
    for part, state in zip((again, wrapper, schedule), kept, strict=True):
        part.load_state_dict(state)
    steps(wrapper, schedule, again, image, 3)
    for one, other in zip(model.parameters(), again.parameters(), strict=True):
        assert torch.equal(one, other)
