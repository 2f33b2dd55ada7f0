import random

import numpy as np
import torch
from mmengine.registry import FUNCTIONS

from custom_ops.datasets import seed_worker


def drawn(worker, seed):
    seed_worker(worker, seed)
    return random.random(), float(np.random.rand()), float(torch.rand(()))


def test_a_worker_draws_the_same_again_and_no_other_does_in_any_run():
    found = {(worker, seed): drawn(worker, seed) for worker in range(4) for seed in range(4)}
    assert drawn(2, 1) == found[2, 1]
    for numbers in zip(*found.values(), strict=True):
        assert len(set(numbers)) == len(found)


def test_it_is_found_by_its_name():
    assert FUNCTIONS.get('seed_worker') is seed_worker
