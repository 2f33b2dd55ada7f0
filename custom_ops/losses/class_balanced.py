"""Binary cross entropy that gives edges and background the same total weight.

Source: Xie & Tu 2015, arXiv:1504.06375, equation 2. Shapes: B batch, H x W pixels.
"""

from typing import Any

import torch
from mmseg.models.losses.utils import weight_reduce_loss
from mmseg.registry import MODELS
from torch import Tensor, nn
from torch.nn import functional as F

from .late_check import LateCheck, answers_at_once


def balanced_weights(labels: Tensor, ignore_index: int = 255) -> Tensor:
    """Return the weight of every pixel of labels [B, H, W] (0, 1 or ``ignore_index``), in float32.

    With P edge and N background pixels in an image, an edge weighs N / (P + N), background P / (P + N) and an ignored
    pixel nothing, so that both classes sum to the same.

    Raises:
        ValueError: a label is none of the three; of labels on a GPU it is raised ``LATE`` calls later, or
            when the training ends.
    """
    edge, background = labels == 1, labels == 0
    foreign = ~(edge | background | (labels == ignore_index))
    # The first foreign label, or a legal one where there is none.
    suspect = labels.flatten()[foreign.flatten().to(torch.uint8).argmax().reshape(1)]
    if answers_at_once(labels.device):
        _refuse_label(suspect.tolist(), ignore_index)
    else:
        unread_labels.add(suspect, ignore_index)
    edges = edge.sum(dim=(1, 2), keepdim=True).float()
    backgrounds = background.sum(dim=(1, 2), keepdim=True).float()
    total = (edges + backgrounds).clamp(min=1)
    return edge * (backgrounds / total) + background * (edges / total)


def _refuse_label(labels: list[int], ignore_index: int) -> None:
    (label,) = labels
    if label not in (0, 1, ignore_index):
        raise ValueError(f'label {label}: an edge label must be 0 (none), 1 (edge) or {ignore_index} (ignored)')


unread_labels = LateCheck(_refuse_label)
"""Of batches on a GPU, a label that may be illegal."""


@MODELS.register_module()
class ClassBalancedLoss(nn.Module):
    """The weighted binary cross entropy of edge logits [B, 1, H, W] against labels [B, H, W].

    The mean is over valid pixels; ``reduction='sum'`` is the paper's sum over all pixels of the batch.

    Args:
        reduction: 'mean', 'sum' or 'none' (a map [B, H, W]).
        ignore_index: label of pixels that count for nothing.
        loss_weight: factor of the result.
        loss_name: key of the loss in the training log.

    Raises:
        ValueError: the reduction is not offered, the logits have more than one channel, or a label is none of 0, 1
            and ``ignore_index``.
    """

    def __init__(
        self,
        reduction: str = 'mean',
        ignore_index: int = 255,
        loss_weight: float = 1.0,
        loss_name: str = 'loss_edge',
    ):
        super().__init__()
        if reduction not in ('mean', 'sum', 'none'):
            raise ValueError(f'reduction {reduction!r}: choose from mean, sum, none')
        self.reduction = reduction
        self.ignore_index = ignore_index
        self.loss_weight = loss_weight
        self.loss_name = loss_name

    def forward(
        self,
        cls_score: Tensor,
        label: Tensor,
        weight: Tensor | None = None,
        avg_factor: float | None = None,
        reduction_override: str | None = None,
        ignore_index: int | None = None,
        **_unused: Any,
    ) -> Tensor:
        if cls_score.shape[1] != 1:
            raise ValueError(f'{cls_score.shape[1]} channels of logits: edges are one channel')
        ignore = self.ignore_index if ignore_index is None else ignore_index
        reduction = reduction_override or self.reduction
        balance = balanced_weights(label, ignore)
        pixels = F.binary_cross_entropy_with_logits(cls_score[:, 0].float(), (label == 1).float(), reduction='none')
        if reduction == 'mean' and avg_factor is None:
            avg_factor = torch.count_nonzero(label != ignore)
        return self.loss_weight * weight_reduce_loss(
            pixels * balance, weight, reduction, avg_factor if reduction == 'mean' else None
        )
