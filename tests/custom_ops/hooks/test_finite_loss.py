from types import SimpleNamespace

import pytest
import torch

from custom_ops.hooks import FiniteLossHook
from custom_ops.hooks.finite_loss import DivergedLossError, NonFiniteLossError

RUNNER = SimpleNamespace(iter=41)


@pytest.mark.parametrize('loss', [float('nan'), float('inf'), float('-inf')])
def test_a_loss_that_is_no_number_ends_the_training(loss):
    with pytest.raises(NonFiniteLossError, match=f'the loss is {loss} at iteration 42'):
        FiniteLossHook().after_train_iter(RUNNER, 41, outputs={'loss': torch.tensor(loss)})


def test_an_exploded_loss_ends_the_training():
    with pytest.raises(DivergedLossError, match=r'2e\+04 at iteration 42, above 10000'):
        FiniteLossHook().after_train_iter(RUNNER, 41, outputs={'loss': torch.tensor(2e4)})


@pytest.mark.parametrize('loss', [0.0, 3.2, -20.9])
def test_ordinary_losses_pass_negative_ones_too(loss):
    """RMI is legitimately negative."""
    FiniteLossHook().after_train_iter(RUNNER, 41, outputs={'loss': torch.tensor(loss)})


def test_the_limit_must_be_positive():
    with pytest.raises(ValueError, match='not 0'):
        FiniteLossHook(limit=0)
