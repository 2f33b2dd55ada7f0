"""The toolbox's cross entropy with nothing read from the device, which then never waits for the process.

The toolbox counts the labelled pixels into a Python number, picks their class weights by a mask and sends the weights
of the classes anew each step: three waits for everything that was queued. Here all of it stays on the device.
"""

import warnings

import torch
from mmseg.models.losses import CrossEntropyLoss, cross_entropy
from torch import Tensor, nn


class UnreadCrossEntropyLoss(CrossEntropyLoss):
    """``CrossEntropyLoss`` over classes; arguments as there. ``class_weight`` is kept on the module's device."""

    def __init__(
        self,
        reduction: str = 'mean',
        class_weight: list[float] | str | None = None,
        loss_weight: float = 1.0,
        loss_name: str = 'loss_ce',
        avg_non_ignore: bool = False,
    ):
        with warnings.catch_warnings():
            # What it advises was advised when the loss that this one stands for was made.
            warnings.simplefilter('ignore')
            super().__init__(False, False, reduction, class_weight, loss_weight, loss_name, avg_non_ignore)
        weights = None if self.class_weight is None else torch.tensor(self.class_weight)
        self.register_buffer('weights', weights, persistent=False)

    def forward(
        self,
        cls_score: Tensor,
        label: Tensor,
        weight: Tensor | None = None,
        avg_factor: Tensor | float | None = None,
        reduction_override: str | None = None,
        ignore_index: int = -100,
    ) -> Tensor:
        """Return the loss of ``cls_score`` [B, K, H, W] against ``label`` [B, H, W]: the toolbox's, up to rounding.

        It is computed in float32: half precision holds neither the weights of the classes nor their sum.
        """
        reduction = reduction_override or self.reduction
        weights = self.weights
        if avg_factor is None and reduction == 'mean' and (self.avg_non_ignore or weights is not None):
            valid = label != ignore_index
            avg_factor = valid.sum() if weights is None else (weights[label.where(valid, 0)] * valid).sum()
        return self.loss_weight * cross_entropy(
            cls_score.float(),
            label,
            weight,
            class_weight=weights,
            reduction=reduction,
            avg_factor=avg_factor,
            ignore_index=ignore_index,
        )


def replace(model: nn.Module) -> int:
    """Put an ``UnreadCrossEntropyLoss`` in the place of each of the toolbox's in ``model``; return how many there were.

    Losses of two classes by one channel, and of masks, stay as they are.
    """
    places = [
        (parent, name, child)
        for parent in model.modules()
        for name, child in parent.named_children()
        if type(child) is CrossEntropyLoss and child.cls_criterion is cross_entropy
    ]
    for parent, name, old in places:
        new = UnreadCrossEntropyLoss(
            old.reduction, old.class_weight, old.loss_weight, old.loss_name, old.avg_non_ignore
        )
        setattr(parent, name, new.to(next(model.parameters()).device).train(old.training))
    return len(places)
