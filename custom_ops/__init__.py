"""Networks, losses, transforms, data sets and hooks, registered in the toolbox's registries on import."""

from . import (
    backbones,
    branches,
    datasets,
    heads,
    hooks,
    loops,
    losses,
    metrics,
    optim,
    preprocessors,
    segmentors,
    transforms,
)

__all__ = [
    'backbones',
    'branches',
    'datasets',
    'heads',
    'hooks',
    'loops',
    'losses',
    'metrics',
    'optim',
    'preprocessors',
    'segmentors',
    'transforms',
]
