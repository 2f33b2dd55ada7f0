"""Random numbers of a loader's workers."""

import random

import numpy as np
import torch
from mmengine.dist import get_rank, get_world_size
from mmengine.registry import FUNCTIONS


@FUNCTIONS.register_module()
def seed_worker(worker_id: int, seed: int) -> None:
    """Seed a worker of a loader from the run's ``seed``, its own number and the rank of its process, of several.

    mmengine adds them, so that of four workers three would draw alike in the runs of seeds 0 and 1. A worker knows the
    rank where it is a fork of its process, as mmengine's runner has it.
    """
    # One process alone draws as one that knows nothing of ranks.
    rank = [get_rank()] if get_world_size() > 1 else []
    for_random, for_numpy, for_torch = np.random.SeedSequence([seed, worker_id, *rank]).generate_state(3).tolist()
    random.seed(for_random)
    np.random.seed(for_numpy)
    torch.manual_seed(for_torch)
