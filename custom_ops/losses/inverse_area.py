"""Cross entropy whose classes weigh the inverse of the area they cover in the training set.

Source: unet_phases, section II.9. Shapes: B batch, K classes, H x W pixels.
"""

from collections.abc import Sequence
from typing import Any

import torch
from mmseg.registry import MODELS
from torch import Tensor, nn
from torch.nn import functional as F

from custom_ops.losses.weighted import weighted_mean


def inverse_area_weights(class_pixels: Sequence[int]) -> Tensor:
    """Return the weight of each class, total area over its own: float32 [K].

    ``class_pixels`` are the labelled pixels of each class; a class without any is never a target and weighs nothing.

    Raises:
        ValueError: a count is negative, or there are no pixels at all.
    """
    area = torch.as_tensor(class_pixels, dtype=torch.float64)
    if not area.numel() or area.min() < 0 or not area.sum():
        raise ValueError(f'class pixels {list(class_pixels)}: must be counts, at least one of them above 0')
    return torch.where(area > 0, area.sum() / area, 0.0).float()


@MODELS.register_module()
class InverseAreaLoss(nn.Module):
    """The weighted cross entropy of logits [B, K, H, W] against labels [B, H, W].

    The mean is over the weights of the valid pixels, as in torch, and 0 where no pixel is valid. (The toolbox's own
    loss cannot do so: with class weights it fails on ignored pixels, or divides by all pixels.)

    Args:
        class_pixels: labelled pixels of each class in the training set, K numbers; None, which the harness fills in,
            weighs every class alike.
        avg_non_ignore: divide by the weights of valid pixels; False divides by the number of all pixels.
        loss_weight: factor of the result.
        loss_name: key of the loss in the training log.

    Raises:
        ValueError: the counts are none, or not one for each of the K classes.
    """

    def __init__(
        self,
        class_pixels: Sequence[int] | None = None,
        avg_non_ignore: bool = True,
        loss_weight: float = 1.0,
        loss_name: str = 'loss_ce',
    ):
        super().__init__()
        weights = None if class_pixels is None else inverse_area_weights(class_pixels)
        self.register_buffer('class_weight', weights, persistent=False)
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
        classes = cls_score.shape[1]
        # Half precision holds neither the weights nor their sum over an image.
        logits = cls_score.float()
        weights = logits.new_ones(classes) if self.class_weight is None else self.class_weight
        if len(weights) != classes:
            raise ValueError(f'{len(weights)} class weights for {classes} channels of logits: one each is needed')
        pixels = F.cross_entropy(logits, label, weights, ignore_index=ignore_index, reduction='none')
        valid = None
        if self.avg_non_ignore:
            # Selecting the labelled pixels would make the device wait for their number.
            labelled = label != ignore_index
            valid = (weights[label.where(labelled, 0)] * labelled).sum()
        return self.loss_weight * weighted_mean(pixels, valid, weight)
