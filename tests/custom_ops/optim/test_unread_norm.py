import pytest
import torch
from mmengine.optim import OptimWrapper

from custom_ops.optim import Bf16OptimWrapper, UnreadNormOptimWrapper

LIMIT = 0.25


def stepped(kind, clip):
    torch.manual_seed(0)
    model = torch.nn.Linear(4, 3)
    frozen = torch.nn.Parameter(torch.ones(2), requires_grad=False)
    wrapper = kind(torch.optim.SGD([*model.parameters(), frozen], lr=1.0), clip_grad=clip)
    wrapper.update_params((model(torch.ones(2, 4)) ** 2).sum() * 100)
    return [parameter.detach() for parameter in model.parameters()]


@pytest.mark.parametrize('kind', [UnreadNormOptimWrapper, Bf16OptimWrapper])
@pytest.mark.parametrize('clip', [{'max_norm': LIMIT}, {'type': 'value', 'clip_value': LIMIT}])
def test_the_step_is_mmengines(kind, clip):
    expected = stepped(OptimWrapper, dict(clip))
    assert all(map(torch.equal, stepped(kind, dict(clip)), expected))
    assert not all(map(torch.equal, stepped(OptimWrapper, None), expected)), 'the clipping is felt'


def test_the_norm_is_not_fetched(monkeypatch):
    def fetched(self):
        raise AssertionError('the norm was fetched')

    with monkeypatch.context() as patched:
        patched.setattr(torch.Tensor, '__float__', fetched)
        stepped(UnreadNormOptimWrapper, {'max_norm': LIMIT})
        with pytest.raises(AssertionError, match='fetched'):
            stepped(OptimWrapper, {'max_norm': LIMIT})
