from types import SimpleNamespace

import pytest
import torch
from mmengine.evaluator import Evaluator
from mmengine.runner import ValLoop

from custom_ops.loops import Bf16ValLoop


class Model(torch.nn.Module):
    """Says in what precision it computed."""

    def __init__(self):
        super().__init__()
        self.layer = torch.nn.Linear(2, 2)

    def val_step(self, data):
        return [self.layer(data).dtype]


@pytest.mark.parametrize(('kind', 'computed'), [(ValLoop, torch.float32), (Bf16ValLoop, torch.bfloat16)])
def test_validation_computes_in_the_precision_of_its_loop(kind, computed):
    seen = []
    evaluator = Evaluator([])
    evaluator.process = lambda data_samples, data_batch: seen.extend(data_samples)
    runner = SimpleNamespace(model=Model(), call_hook=lambda *_, **__: None, visualizer=None)
    loader = torch.utils.data.DataLoader(torch.ones(1, 2))
    kind(runner, loader, evaluator).run_iter(0, torch.ones(1, 2))
    assert seen == [computed]
    assert not torch.is_autocast_enabled('cpu')
