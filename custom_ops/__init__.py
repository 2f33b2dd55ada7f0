"""Networks, losses, transforms, data sets and hooks, registered in the toolbox's registries on import."""

from . import backbones, datasets, heads, hooks, loops, losses, metrics, optim, transforms

__all__ = ['backbones', 'datasets', 'heads', 'hooks', 'loops', 'losses', 'metrics', 'optim', 'transforms']
