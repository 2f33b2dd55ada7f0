import torch

from custom_ops.optim import Bf16OptimWrapper


def test_forward_is_bfloat16_and_weights_stay_float32():
    model = torch.nn.Linear(8, 8)
    wrapper = Bf16OptimWrapper(optimizer=torch.optim.SGD(model.parameters(), lr=0.1))
    before = model.weight.clone()
    with wrapper.optim_context(model):
        output = model(torch.ones(2, 8))
    assert output.dtype == torch.bfloat16
    wrapper.update_params(output.float().square().sum())
    assert model.weight.dtype == torch.float32
    assert not torch.equal(before, model.weight)
    assert not torch.is_autocast_enabled('cpu')
