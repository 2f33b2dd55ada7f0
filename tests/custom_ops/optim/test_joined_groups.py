import torch
from mmengine.optim import build_optim_wrapper
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
