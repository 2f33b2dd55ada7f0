import torch

from bench.running import layout


def network(groups, dilation):
    return torch.nn.Sequential(torch.nn.Conv2d(8, 8, 3, padding=dilation, dilation=dilation, groups=groups))


def test_channels_last_but_where_torch_is_wrong_in_it():
    risky = network(groups=8, dilation=2)
    assert layout.choose(risky, 'cpu', 'bf16') == torch.contiguous_format
    assert layout.choose(risky, 'cpu', 'fp32') == torch.channels_last
    assert layout.choose(risky, 'cuda', 'bf16') == torch.channels_last
    for safe in (network(groups=8, dilation=1), network(groups=1, dilation=2)):
        assert layout.choose(safe, 'cpu', 'bf16') == torch.channels_last


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
