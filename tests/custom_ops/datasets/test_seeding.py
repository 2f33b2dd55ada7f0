import random
from functools import partial

import numpy as np
import torch
from mmengine.registry import FUNCTIONS
from torch.utils.data import DataLoader, Dataset

from custom_ops.datasets import seed_worker


def drawn(worker, seed):
    seed_worker(worker, seed)
    return random.random(), float(np.random.rand()), float(torch.rand(()))


def test_a_worker_draws_the_same_again_and_no_other_does_in_any_run():
    found = {(worker, seed): drawn(worker, seed) for worker in range(4) for seed in range(4)}
    assert drawn(2, 1) == found[2, 1]
    for numbers in zip(*found.values(), strict=True):
        assert len(set(numbers)) == len(found)


def test_a_process_alone_draws_as_if_there_were_no_ranks():
    numpys = int(np.random.SeedSequence([3, 2]).generate_state(3)[1])
    assert drawn(2, 3)[1] == np.random.RandomState(numpys).rand()


class Draws(Dataset):
    """What each worker draws first."""

    def __len__(self):
        return 2

    def __getitem__(self, index):
        return random.random(), float(np.random.rand()), float(torch.rand(()))


def test_the_workers_of_two_processes_draw_apart(in_two_processes):
    def load(rank):
        options = dict(batch_size=None, num_workers=2, multiprocessing_context='fork')
        return list(DataLoader(Draws(), worker_init_fn=partial(seed_worker, seed=1), **options))

    workers = [worker for process in in_two_processes(load) for worker in process]
    for numbers in zip(*workers, strict=True):
        assert len(set(numbers)) == 4


def test_it_is_found_by_its_name():
    assert FUNCTIONS.get('seed_worker') is seed_worker
