"""Random numbers of a loader's workers."""

import random
from functools import partial

import numpy as np
import torch
from mmengine.dist import get_rank, get_world_size
from mmengine.registry import FUNCTIONS
from torch.utils.data import DataLoader


@FUNCTIONS.register_module()
def seed_worker(worker_id: int, seed: int, begun_at: int = 0) -> None:
    """Seed a worker of a loader from the run's ``seed``, its own number and the rank of its process, of several.

    mmengine adds them, so that of four workers three would draw alike in the runs of seeds 0 and 1. A worker knows the
    rank where it is a fork of its process, as mmengine's runner has it. ``begun_at`` is the iteration at which a
    training is continued: without it the augmentations of its first iterations would come again.
    """
    # One process alone draws as one that knows nothing of ranks.
    rank = [get_rank()] if get_world_size() > 1 else []
    sequence = np.random.SeedSequence([seed, worker_id, *rank], spawn_key=[begun_at] if begun_at else [])
    for_random, for_numpy, for_torch = sequence.generate_state(3).tolist()
    random.seed(for_random)
    np.random.seed(for_numpy)
    torch.manual_seed(for_torch)


def continue_workers(loader: DataLoader, begun_at: int) -> None:
    """Have the workers of ``loader``, where ``seed_worker`` seeds them, draw as those of a continued training."""
    seeded = loader.worker_init_fn
    if isinstance(seeded, partial) and seeded.func is seed_worker:
        loader.worker_init_fn = partial(seeded, begun_at=begun_at)
