"""Data sets: find one on disk, check it, list its pairs. Nothing here imports torch or mmengine."""

from bench.data_sets.cache import cache_folder
from bench.data_sets.check import Manifest, check
from bench.data_sets.pair_lists import write_pair_lists
from bench.data_sets.registry import NAMES, archives, find, how_to_obtain, sequence, summary

__all__ = [
    'NAMES',
    'Manifest',
    'archives',
    'cache_folder',
    'check',
    'find',
    'how_to_obtain',
    'sequence',
    'summary',
    'write_pair_lists',
]
