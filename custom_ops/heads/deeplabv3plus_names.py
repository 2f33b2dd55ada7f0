"""Names of a public DeepLabV3+ whose checkpoints fit ``DeepLabV3PlusHead`` layer by layer.

Source: kitti_ablation, section 4, loads such a checkpoint; its head is ``classifier``, its layers are numbered.
"""

import re
from collections.abc import Mapping

from torch import Tensor

_CONV_AND_NORM = {'0': 'conv', '1': 'bn'}
_LAYERS = (
    (r'project\.([01])', 'low.{}'),
    (r'aspp\.project\.([01])', 'projection.0.{}'),
    (r'classifier\.([01])', 'decoder.0.{}'),
    *((rf'aspp\.convs\.{branch}\.([01])', f'aspp.{branch}.{{}}') for branch in range(4)),
)
_POOLED = {'aspp.convs.4.1': 'image_mean.1.conv', 'aspp.convs.4.2': 'image_mean.1.bn', 'classifier.3': 'conv_seg'}


def own_name(name: str) -> str:
    """Return the name of a tensor of the public model in a toolbox segmentor; other names come back unchanged."""
    if not name.startswith('classifier.'):
        return name
    layer, _, kind = name.removeprefix('classifier.').rpartition('.')
    if layer in _POOLED:
        return f'decode_head.{_POOLED[layer]}.{kind}'
    for pattern, ours in _LAYERS:
        if found := re.fullmatch(pattern, layer):
            return f'decode_head.{ours.format(_CONV_AND_NORM[found[1]])}.{kind}'
    return name


def from_public(stored: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return a state dict of the public model, trunk and head, under the names of a toolbox segmentor."""
    return {own_name(name): tensor for name, tensor in stored.items()}
