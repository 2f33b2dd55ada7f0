"""Capture and restore every random generator that a training step draws from."""

import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch


def capture_random_state() -> dict[str, Any]:
    """Return the state of the generators of Python, NumPy, torch on CPU and torch on every CUDA device."""
    return {
        'python': random.getstate(),
        'numpy': np.random.get_state(),
        'torch': torch.get_rng_state(),
        'cuda': torch.cuda.get_rng_state_all() if torch.cuda.is_available() else [],
    }


def restore_random_state(state: dict[str, Any]) -> None:
    """Put back a state that ``capture_random_state`` returned.

    Raises:
        ValueError: the state was captured with another number of CUDA devices.
    """
    if state['cuda'] and len(state['cuda']) != torch.cuda.device_count():
        raise ValueError(
            f'the random state is that of {len(state["cuda"])} CUDA devices, this machine has '
            f'{torch.cuda.device_count()}; resume on the same number'
        )
    random.setstate(_as_tuple(state['python']))
    np.random.set_state(state['numpy'])
    torch.set_rng_state(state['torch'].cpu())
    if state['cuda']:
        torch.cuda.set_rng_state_all([one.cpu() for one in state['cuda']])


@contextmanager
def untouched_random_state() -> Iterator[None]:
    """Run a block, a validation say, without any trace of it in the random generators."""
    state = capture_random_state()
    try:
        yield
    finally:
        restore_random_state(state)


def _as_tuple(state: Any) -> Any:
    # A checkpoint may hand nested tuples back as lists; Python's generator insists on tuples.
    return tuple(_as_tuple(item) for item in state) if isinstance(state, (list, tuple)) else state
