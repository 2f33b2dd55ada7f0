"""Losses of logits other than a segmentor's main ones: single scales and auxiliary heads.

Source: Tao, Sapra & Catanzaro 2020, arXiv:2005.10821: region mutual information on the joint logits alone, its binary
cross entropy on every other term.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from mmseg.registry import MODELS
from torch import Tensor, nn

from ..heads.scale_attention import resize_to

REGION_LOSS = 'RMILoss'


def region_free(loss_decode: Mapping[str, Any] | Sequence[Mapping[str, Any]]) -> nn.ModuleList:
    """Build the losses of a ``loss_decode`` config, each ``RMILoss`` reduced to its binary cross entropy.

    The ``loss_weight`` of each is kept, the balance between its two parts is not: the cross entropy counts in full.
    """
    entries = [loss_decode] if isinstance(loss_decode, Mapping) else list(loss_decode)
    return nn.ModuleList(MODELS.build(_without_regions(entry)) for entry in entries)


def _without_regions(entry: Mapping[str, Any]) -> dict[str, Any]:
    if str(entry['type']).rpartition('.')[2] != REGION_LOSS:
        return dict(entry)
    return {**entry, 'rmi_weight': 0.0, 'combine': 'convex', 'loss_name': 'loss_bce'}


def supervise(head: Any, criteria: nn.ModuleList, logits: Tensor, labels: Tensor, weight: float) -> dict[str, Tensor]:
    """Return the losses of ``logits`` [B, K, h, w], resized to ``labels`` [B, H, W], by name and times ``weight``.

    ``head`` is the toolbox head that the logits came from: its ignored label and pixel sampler apply.
    """
    logits = resize_to(logits, labels.shape[-2:])
    sampled = None if head.sampler is None else head.sampler.sample(logits, labels.unsqueeze(1))
    losses: dict[str, Tensor] = {}
    for criterion in criteria:
        value = weight * criterion(logits, labels, weight=sampled, ignore_index=head.ignore_index)
        losses[criterion.loss_name] = losses.get(criterion.loss_name, 0) + value
    return losses
