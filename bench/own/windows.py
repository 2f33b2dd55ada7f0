"""Let the sliding windows of a user's model go through the network in batches. Pure; no torch."""

from collections.abc import Mapping
from math import prod
from typing import Any

from bench.own import views
from bench.records import Size

IN_BATCHES = {'EncoderDecoder': 'SlidingSegmentor', 'CascadeEncoderDecoder': 'SlidingCascade'}
"""For a segmentor of the toolbox, ours of the same parameters; any other slides as it says itself."""


def batch(model: dict[str, Any], config: Mapping[str, Any], crop: Size | None) -> None:
    """Make ``model`` slide over as many pixels at a time as one training batch of ``config`` has.

    What trained in the memory of a device is evaluated in it: an evaluation keeps no activations. Nothing changes
    where the model does not slide, or is told already how many windows go at once.

    Args:
        crop: (H, W) of a training input as the config states it; None: that of a window.
    """
    test = model.get('test_cfg') or {}
    kind = str(model.get('type')).removeprefix('mmseg.')
    if test.get('mode', 'whole') != 'slide' or kind not in IN_BATCHES or not test.get('crop_size'):
        return
    window = views.pair(test['crop_size'])
    images = (config.get('train_dataloader') or {}).get('batch_size')
    pixels = prod(crop or window) * (images if isinstance(images, int) else 1)
    model['type'] = IN_BATCHES[kind]
    test['windows_at_once'] = max(1, pixels // max(1, prod(window)))
