"""Data sets for mmseg configs."""

from custom_ops.datasets.collate import collate_pixels
from custom_ops.datasets.pair_list import PairListDataset
from custom_ops.datasets.seeding import seed_worker

__all__ = ['PairListDataset', 'collate_pixels', 'seed_worker']
