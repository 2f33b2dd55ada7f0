"""Data sets for mmseg configs."""

from custom_ops.datasets.collate import collate_pixels
from custom_ops.datasets.pair_list import PairListDataset

__all__ = ['PairListDataset', 'collate_pixels']
