from pathlib import Path

import pytest
import torch
from mmseg.structures import SegDataSample

from bench import budgets
from bench.measure import latency
from bench.records import Job, Run
from bench.running import layout
from custom_ops.datasets.collate import STACKED
from custom_ops.preprocessors import BatchPreProcessor

HEAVY, FEW = budgets.HEAVY_PARAMS, layout.FEW_MACS * budgets.HEAVY_PARAMS


def network(groups, dilation):
    return torch.nn.Sequential(torch.nn.Conv2d(8, 8, 3, padding=dilation, dilation=dilation, groups=groups))


def test_channels_last_but_where_torch_is_wrong_in_it():
    risky = network(groups=8, dilation=2)
    assert layout.choose(risky, 'cpu', 'bf16') == torch.contiguous_format
    assert layout.choose(risky, 'cpu', 'fp32') == torch.channels_last
    assert layout.choose(risky, 'cuda', 'bf16') == torch.channels_last
    for safe in (network(groups=8, dilation=1), network(groups=1, dilation=2)):
        assert layout.choose(safe, 'cpu', 'bf16') == torch.channels_last


def spatial_of(share):
    """A network with that share of its 100 weights in a 3x3 convolution (9 weights a pair of channels)."""
    pairs = round(share * 100 / 9)
    return torch.nn.Sequential(torch.nn.Conv2d(1, pairs, 3), torch.nn.Conv2d(1, 100 - 9 * pairs, 1))


@pytest.mark.parametrize('capability', ['AVX2', 'AVX512', 'DEFAULT'])
def test_networks_of_spatial_kernels_train_contiguous_with_avx2_alone(monkeypatch, capability):
    monkeypatch.setattr(torch.backends.cpu, 'get_cpu_capability', lambda: capability)
    spatial, mixed = spatial_of(0.99), spatial_of(0.81)
    assert (layout.spatial_share(spatial), layout.spatial_share(mixed)) == (0.99, 0.81)
    contiguous = torch.contiguous_format if capability == 'AVX2' else torch.channels_last
    assert layout.choose(spatial, 'cpu', 'fp32', trains=True) == contiguous
    for where in (
        (mixed, 'cpu', 'fp32', True),
        (spatial, 'cpu', 'fp32', False),
        (spatial, 'cpu', 'bf16', True),
        (spatial, 'cuda', 'fp32', True),
    ):
        assert layout.choose(*where) == torch.channels_last


@pytest.mark.parametrize(
    ('capability', 'device', 'precision', 'budget', 'params', 'macs', 'onednn'),
    [
        ('AVX2', 'cpu', 'fp32', 'smoke', HEAVY, FEW - 1, False),
        ('AVX2', 'cpu', 'fp32', 'smoke', HEAVY, FEW, True),
        ('AVX2', 'cpu', 'fp32', 'smoke', HEAVY - 1, FEW - 1, True),
        ('AVX2', 'cpu', 'fp32', 'short', HEAVY, FEW - 1, True),
        ('AVX2', 'cpu', 'bf16', 'smoke', HEAVY, FEW - 1, True),
        ('AVX2', 'cuda', 'fp32', 'smoke', HEAVY, FEW - 1, True),
        ('AVX512', 'cpu', 'fp32', 'smoke', HEAVY, FEW - 1, True),
    ],
)
def test_the_only_step_of_heavy_weights_is_convolved_by_torch_with_avx2_alone(
    monkeypatch, capability, device, precision, budget, params, macs, onednn
):
    monkeypatch.setattr(torch.backends.cpu, 'get_cpu_capability', lambda: capability)
    run = Run('r/a', 'scenes', (64, 64), budget, 0.1, 0, precision, device)
    rule = budgets.for_network(budgets.rule(budget), params, macs)
    counted = {'params': params, 'macs': macs}
    job = Job(run, Path(), None, '', {}, rule, Path(), 'key', Path(), run_cost=counted)
    before = latency.onednn('cpu')
    with pytest.raises(ZeroDivisionError), layout.kernels(job):
        assert latency.onednn('cpu') is onednn
        chosen = layout.choose(spatial_of(0.99), device, precision, trains=True)
        contiguous = onednn and (capability, device, precision) == ('AVX2', 'cpu', 'fp32')
        assert chosen == (torch.contiguous_format if contiguous else torch.channels_last)
        raise ZeroDivisionError
    assert latency.onednn('cpu') is before
    assert latency.onednn('cuda') is None


def test_the_share_is_that_of_ungrouped_kernels_upsampling_ones_too_among_what_is_trained():
    layers = torch.nn.Conv2d(4, 4, 3, groups=4), torch.nn.ConvTranspose2d(2, 2, 3), torch.nn.Conv2d(1, 28, 1)
    assert layout.spatial_share(torch.nn.Sequential(*layers)) == 36 / (36 + 36 + 28)
    layers[0].requires_grad_(False)
    assert layout.spatial_share(torch.nn.Sequential(*layers)) == 36 / (36 + 28)
    assert layout.spatial_share(torch.nn.Sequential(torch.nn.Linear(3, 4))) == 0


def test_training_in_the_chosen_layout_gives_the_gradient_of_the_plain_one():
    for precision, tolerance in (('fp32', 1e-4), ('bf16', 2e-2)):
        gradients = []
        for chosen in (False, True):
            torch.manual_seed(0)
            model = network(groups=8, dilation=2)
            image = torch.randn(2, 8, 24, 30)
            if chosen:
                memory_format = layout.choose(model, 'cpu', precision)
                model, image = model.to(memory_format=memory_format), image.to(memory_format=memory_format)
            with torch.autocast('cpu', torch.bfloat16, enabled=chosen and precision == 'bf16'):
                output = model(image)
            output.float().square().mean().backward()
            gradients.append(model[0].weight.grad)
        torch.testing.assert_close(
            gradients[1], gradients[0], rtol=tolerance, atol=tolerance * gradients[0].abs().max().item()
        )


@pytest.mark.parametrize(('groups', 'dilation', 'switches'), [(8, 2, ()), (8, 1, ()), (8, 1, ('no-channels-last',))])
def test_a_whole_step_is_in_the_layout_that_was_chosen(groups, dilation, switches):
    """From the bytes of a batch to the convolution: weights alone decide nothing, a channels-last input is enough."""
    model = torch.nn.Sequential(torch.nn.Conv2d(3, 8, 1), *network(groups, dilation))
    model.data_preprocessor = BatchPreProcessor(mean=[0.0] * 3, std=[1.0] * 3)
    run = Run('r/a', 'scenes', (24, 32), 'short', 0.1, 0, 'bf16', switches=switches)
    chosen, _ = layout.prepare(model, run, trains=True)
    image = torch.randint(0, 256, (2, 24, 32, 3), dtype=torch.uint8).permute(0, 3, 1, 2)
    batch = {
        'inputs': image,
        STACKED: torch.zeros(2, 1, 24, 32, dtype=torch.uint8),
        'data_samples': [SegDataSample() for _ in range(2)],
    }
    seen = []
    model[1].register_forward_pre_hook(lambda module, given: seen.append(given[0]))
    with torch.autocast('cpu', torch.bfloat16):
        output = model[1](model[0](model.data_preprocessor(batch, training=True)['inputs']))
    output.float().square().mean().backward()
    assert seen[0].is_contiguous(memory_format=chosen)
    gradient = (output * 2 / output.numel()).detach().float().contiguous()
    where = dict(padding=dilation, dilation=dilation, groups=groups)
    features = seen[0].detach().float().contiguous()
    expected = torch.nn.grad.conv2d_weight(features, model[1].weight.shape, gradient, **where)
    assert (model[1].weight.grad - expected).norm() < 0.05 * expected.norm()
