import pytest
import torch
from PIL import UnidentifiedImageError

from bench import worker
from bench.errors import DataError, Interrupted
from custom_ops.hooks.finite_loss import DivergedLossError, NonFiniteLossError


@pytest.mark.parametrize(
    ('error', 'status'),
    [
        (torch.OutOfMemoryError('CUDA out of memory'), 'oom'),
        (MemoryError(), 'oom'),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried"), 'oom'),
        (NonFiniteLossError('the loss is nan'), 'nan'),
        (DivergedLossError('the loss is 1e9'), 'diverged'),
        (Interrupted('asked to stop'), 'interrupted'),
        (KeyboardInterrupt('asked to stop'), 'interrupted'),
        (DataError('labels/1.png: label value 11'), 'missing-data'),
        (FileNotFoundError(2, 'No such file', 'x.png'), 'missing-data'),
        (UnidentifiedImageError('cannot identify image'), 'missing-data'),
        (RuntimeError('shapes do not match'), 'crash'),
    ],
)
def test_an_exception_becomes_a_status_and_a_reason(error, status):
    got, reason = worker.classify(error)
    assert got == status
    assert reason


def test_a_reason_is_one_line():
    _, reason = worker.classify(RuntimeError('first\nsecond\n' * 1000))
    assert '\n' not in reason
    assert 'first' in reason
