"""Batch norm's statistics estimated anew for the last weights of a training: how much of a score hangs on them.

A training's own are a moving average over its last steps, ten of them with torch's usual momentum and a hundred with
that of torchvision's MobileNetV3. In a brief training weights move faster than that, and in evaluation a network is
normalised as it was some steps ago.

Source: "precise BN" of Wu and Johnson 2021, arXiv:2105.07576, section 3.
"""

import math
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from itertools import islice
from typing import Any

from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from bench.amounts import PRECISE_BN_IMAGES
from custom_ops.segmentors.freezing import hold_still


def layers_of(model: nn.Module) -> list[_BatchNorm]:
    """Return the layers whose statistics ``model`` estimates while it trains; what is frozen keeps its own."""
    model.train()
    hold_still(model)
    return [one for one in model.modules() if isinstance(one, _BatchNorm) and one.training and one.track_running_stats]


def estimate(
    model: Any,
    loader: Any,
    images: int = PRECISE_BN_IMAGES,
    context: Callable[[], AbstractContextManager[Any]] = nullcontext,
) -> int:
    """Replace the statistics of ``model`` by means over batches of ``images`` augmented training samples.

    The network computes them as in a training step, weights stay as they are; it is in evaluation mode afterwards.

    Args:
        model: a segmentor; what is frozen in it keeps its statistics.
        loader: gives batches of the training; not the one that it has used up.
        context: what a forward runs in, autocast say.

    Returns:
        How many layers have such statistics; where there are none, nothing is computed.

    Raises:
        ValueError: ``loader`` gives no batch.
    """
    layers = layers_of(model)
    momenta = [layer.momentum for layer in layers]
    try:
        for layer in layers:
            layer.reset_running_stats()
            # The mean over all batches, each with the same weight.
            layer.momentum = None
        batches = islice(loader, math.ceil(images / loader.batch_size)) if layers else ()
        for batch in batches:
            # With gradients, which nobody asks for: a compiled network would be compiled anew without.
            with context():
                model._run_forward(model.data_preprocessor(batch, True), mode='loss')
        if any(not layer.num_batches_tracked for layer in layers):
            raise ValueError('no batch came to estimate the statistics of batch norm on')
    finally:
        for layer, momentum in zip(layers, momenta, strict=True):
            layer.momentum = momentum
        model.eval()
    return len(layers)
