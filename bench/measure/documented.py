"""Count one experiment's network as documented: an image as the report counts it, and a training sample."""

from pathlib import Path
from typing import Any

from torch import nn

import custom_ops  # noqa: F401  (fills the registry)
from bench import compose
from bench.measure.cost import build_on_meta, count, count_by_modules

TRUNK = 'backbone'
"""What the toolbox calls the part of a network before its heads, whatever the number of scales that run it."""


def count_documented(config: Path) -> dict[str, Any]:
    """Return what is counted of the experiment at ``config``, without a real tensor.

    Returns:
        ``cost``: see ``cost.count``, at the documented size; ``training``: ``input_shape`` [C, H, W] of one training
        sample and the multiply-adds of its forward, ``macs`` over all scales and heads, auxiliary ones included, and
        ``macs_trunk``, of its convolutions and linear layers before the heads; ``documented``: name of the ``dataset``,
        ``short_side`` of its images in pixels and ``epochs`` of all stages of the training.
    """
    experiment = compose.read_experiment(config)
    protocol = experiment.protocol
    view, shape = protocol.train_view, tuple(protocol.cost.input_shape)
    model = build_on_meta(compose.model_for(experiment.model, protocol.num_classes))
    counted = count(model, shape, protocol.cost.count_auxiliary)
    return {
        'cost': counted,
        'training': _count_training(model, (shape[0], *view.size)),
        'documented': {
            'dataset': protocol.dataset,
            'short_side': view.get('short_side') or min(view.size),
            'epochs': protocol.epochs,
        },
    }


def _count_training(model: nn.Module, shape: tuple[int, int, int]) -> dict[str, Any]:
    if hasattr(model, 'test_scales'):
        # A training sample is seen once, at the trained scales, whatever testing adds.
        model.test_cfg = {**(model.test_cfg or {}), 'scales': None, 'flip': False}
    modules = count_by_modules(model, shape, count_auxiliary=True)
    return {
        'input_shape': list(shape),
        'macs': count(model, shape, count_auxiliary=True)['macs'],
        'macs_trunk': sum(macs for name, macs in modules.items() if TRUNK in name.split('.')),
    }
