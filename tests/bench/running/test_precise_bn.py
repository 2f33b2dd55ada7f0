"""Batch norm's statistics estimated anew, against torch's own implementation of the same."""

import copy
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn
from torch.optim.swa_utils import update_bn

from bench.running import precise_bn, scoring


class Network(nn.Module):
    """Two normalised layers, the first of which can be frozen, and dropout between them."""

    def __init__(self):
        super().__init__()
        self.backbone = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4, momentum=0.01), nn.ReLU())
        self.decode_head = nn.Sequential(nn.Dropout(0.5), nn.Conv2d(4, 2, 1), nn.BatchNorm2d(2))
        self.seen = []

    def data_preprocessor(self, batch, training):
        assert training
        return batch

    def forward(self, inputs):
        return self.decode_head(self.backbone(inputs))

    def _run_forward(self, data, mode):
        assert mode == 'loss'
        self.seen.append(len(data))
        return {'loss': self(data).mean()}


def with_loader(model, batches, size=4):
    loader = [torch.randn(size, 3, 6, 6, generator=torch.Generator().manual_seed(n)) * (n + 1) for n in range(batches)]
    # A loader has its batch's size beside it.
    loader = type('Loader', (list,), {'batch_size': size})(loader)
    return model, loader


@pytest.fixture
def model():
    torch.manual_seed(0)
    return Network()


def test_statistics_are_those_that_torch_averages_over_the_same_batches(model):
    made, loader = with_loader(model, 6)
    expected = copy.deepcopy(model)
    torch.manual_seed(3)
    assert precise_bn.estimate(made, loader, images=24) == 2
    torch.manual_seed(3)
    update_bn(iter(loader), expected)
    for own, other in zip(model.buffers(), expected.buffers(), strict=True):
        assert torch.allclose(own, other, rtol=1e-6), 'dropout and all'


def test_as_many_batches_are_looked_at_as_have_the_images(model):
    precise_bn.estimate(*with_loader(model, 9), images=10)
    assert model.seen == [4, 4, 4]


def test_all_else_stays_as_it_was(model):
    weights = [parameter.clone() for parameter in model.parameters()]
    precise_bn.estimate(*with_loader(model, 2), images=8)
    assert all(torch.equal(own, before) for own, before in zip(model.parameters(), weights, strict=True))
    assert all(parameter.grad is None for parameter in model.parameters())
    assert [layer.momentum for layer in model.modules() if isinstance(layer, nn.BatchNorm2d)] == [0.01, 0.1]
    assert not any(module.training for module in model.modules())


def test_frozen_layers_keep_their_own_statistics(model):
    from custom_ops.segmentors.freezing import freeze

    model.train()
    freeze(model, ['trunk'])
    frozen = copy.deepcopy(model.backbone[1].state_dict())
    assert precise_bn.estimate(*with_loader(model, 2), images=8) == 1
    assert all(torch.equal(tensor, frozen[name]) for name, tensor in model.backbone[1].state_dict().items())
    assert model.decode_head[2].running_mean.abs().sum() > 0


def test_a_loader_that_is_used_up_is_refused(model):
    made, loader = with_loader(model, 0)
    with pytest.raises(ValueError, match='no batch came'):
        precise_bn.estimate(made, loader)


def test_without_batch_norm_nothing_is_computed():
    plain = Network()
    plain.backbone, plain.decode_head = nn.Conv2d(3, 4, 3), nn.Conv2d(4, 2, 1)
    assert precise_bn.estimate(plain, None) == 0 and plain.seen == []


def test_the_score_with_them_stands_beside_and_the_model_has_its_own_again(model, monkeypatch):
    model.train()
    model(torch.randn(4, 3, 6, 6))
    own = {name: buffer.clone() for name, buffer in model.named_buffers()}
    scored = []

    def confusions(attempt, network, loader, in_detail):
        scored.append({name: buffer.clone() for name, buffer in network.named_buffers()})
        return np.array(['a']), np.array([[[3, 1], [0, 4]]]), {}

    monkeypatch.setattr(scoring, '_confusions', confusions)
    _, loader = with_loader(model, 60)
    # Of a run that was continued after its training: nothing but the model was built.
    made = SimpleNamespace(model=model, test_dataloader=None, cfg=SimpleNamespace(train_dataloader='as trained'))
    monkeypatch.setattr(scoring.Runner, 'build_dataloader', {'as trained': loader}.get)
    job = SimpleNamespace(
        dataset=SimpleNamespace(classes=('x', 'y')), run=SimpleNamespace(seed=5, device='cpu', precision='fp32')
    )
    attempt = SimpleNamespace(job=job, enter=lambda stage: None)
    blocks = {'metrics': 'as they were'}
    arrays = scoring._with_precise_bn(attempt, made, blocks)
    assert arrays['precise_bn'].tolist() == [[[3, 1], [0, 4]]]
    assert blocks['metrics'] == 'as they were'
    assert (blocks['precise_bn']['images'], blocks['precise_bn']['layers']) == (200, 2)
    assert blocks['precise_bn']['metrics']['miou'] == pytest.approx(100 * (3 / 4 + 4 / 5) / 2)
    assert not torch.equal(scored[0]['backbone.1.running_var'], own['backbone.1.running_var'])
    assert all(torch.equal(buffer, own[name]) for name, buffer in model.named_buffers())
    again = scoring._with_precise_bn(attempt, made, {})
    assert again and all(torch.equal(scored[0][name], tensor) for name, tensor in scored[1].items()), 'seeded'
