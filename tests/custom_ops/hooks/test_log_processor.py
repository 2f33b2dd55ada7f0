from types import SimpleNamespace

import torch
from mmseg.registry import LOG_PROCESSORS


def test_a_log_line_leaves_the_peak_and_the_device_alone(monkeypatch):
    def touched(*arguments):
        raise AssertionError('reset, or waited for')

    monkeypatch.setattr(torch.cuda, 'max_memory_allocated', lambda device=None: 5 << 20)
    monkeypatch.setattr(torch.cuda, 'reset_peak_memory_stats', touched)
    monkeypatch.setattr(torch.Tensor, 'item', touched)
    processor = LOG_PROCESSORS.build({'type': 'PeakKeepingLogProcessor', 'by_epoch': False})
    assert processor._get_max_memory(SimpleNamespace(model=torch.nn.Identity())) == 5
