"""Cross entropy in which pixels beside another class weigh more: edges as a loss instead of an input.

Source: ours, for the future work that squeeze_edge names without describing it; Ronneberger et al. 2015,
arXiv:1505.04597, equation 2, weighs pixels near borders up to ten times more. Shapes: B batch, K classes, H x W pixels.
"""

from typing import Any

import torch
from mmseg.registry import MODELS
from torch import Tensor, nn
from torch.nn import functional as F

from custom_ops.losses.weighted import weighted_mean
from custom_ops.transforms.edges import label_edges


def edge_weights(labels: Tensor, edge_weight: float, radius: int = 1, ignore_index: int = 255) -> Tensor:
    """Return the weight of every pixel of labels [B, H, W], float32: ``edge_weight`` on an edge, 1 off it, 0 ignored.

    An edge is a pixel with another class within ``radius``, see ``label_edges``.

    Raises:
        ValueError: ``edge_weight`` is not positive, or ``radius`` is below 1.
    """
    if edge_weight <= 0:
        raise ValueError(f'edge_weight {edge_weight}: must be positive; 1 weighs every pixel alike')
    edges = label_edges(labels, radius, ignore_index)
    return torch.where(edges == 1, edge_weight, 1.0).masked_fill(labels == ignore_index, 0.0)


@MODELS.register_module()
class EdgeWeightedLoss(nn.Module):
    """The weighted cross entropy of logits [B, K, H, W] against labels [B, H, W].

    Args:
        edge_weight: how much more than any other a pixel on an edge of the labels weighs; 1 is plain cross entropy.
        radius: how far an edge reaches into each class, in pixels.
        avg_non_ignore: divide by the weights of valid pixels; False divides by the number of all pixels.
        loss_weight: factor of the result.
        loss_name: key of the loss in the training log.

    Raises:
        ValueError: ``edge_weight`` is not positive, or ``radius`` is below 1.
    """

    def __init__(
        self,
        edge_weight: float = 10.0,
        radius: int = 1,
        avg_non_ignore: bool = True,
        loss_weight: float = 1.0,
        loss_name: str = 'loss_ce',
    ):
        super().__init__()
        # The rules are those of the function; a wrong value is refused before any training.
        edge_weights(torch.zeros(1, 1, 1, dtype=torch.long), edge_weight, radius)
        self.edge_weight = edge_weight
        self.radius = radius
        self.avg_non_ignore = avg_non_ignore
        self.loss_weight = loss_weight
        self.loss_name = loss_name

    def forward(
        self,
        cls_score: Tensor,
        label: Tensor,
        weight: Tensor | None = None,
        ignore_index: int = 255,
        **_unused: Any,
    ) -> Tensor:
        """Return the mean; ``weight`` [B, H, W] multiplies each pixel's loss and not its share of the mean."""
        weights = edge_weights(label, self.edge_weight, self.radius, ignore_index)
        pixels = weights * F.cross_entropy(cls_score.float(), label, ignore_index=ignore_index, reduction='none')
        valid = weights.sum() if self.avg_non_ignore else None
        return self.loss_weight * weighted_mean(pixels, valid, weight)
