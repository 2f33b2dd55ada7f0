"""Region mutual information: a loss on neighbourhoods, at the price of a cross entropy.

Source: Zhao et al. 2019, "Region Mutual Information Loss for Semantic Segmentation", NeurIPS.
Shapes: B batch, K classes, H x W pixels.

``rmi_function`` computes the two parts of the loss and their gradient; here they are weighed and offered to configs.
"""

from typing import Any

import torch
from mmseg.registry import MODELS
from torch import Tensor, nn

from .rmi_checks import Combine, Pool, check_options, check_shapes
from .rmi_function import LossParts, Regions


def rmi_loss(
    logits: Tensor,
    labels: Tensor,
    radius: int = 3,
    pool: Pool | None = 'avg',
    pool_size: int = 4,
    pool_stride: int = 4,
    rmi_weight: float = 0.5,
    combine: Combine = 'convex',
    ignore_index: int = 255,
) -> Tensor:
    """Return the loss, a scalar that may well be negative, of logits [B, K, H, W] against labels [B, H, W].

    ``combine='convex'`` is ``(1 - rmi_weight) * bce + rmi_weight * rmi``, ``'sum'`` is ``bce + rmi_weight * rmi``; a
    weight of 0 is the cross entropy alone: the regions are not computed. Half-precision logits are taken to float32,
    a few planes at a time. Ignored pixels are zero labels and floor probabilities. Differentiable once.

    Raises:
        ValueError: shapes disagree, a label is out of range, or the pooled map is smaller than a window.
        FloatingPointError: a logit is not finite. On a GPU this and illegal labels are found some calls later, not to
            hold up a training: see ``late_check``, whose ``finish`` looks at the last ones.
    """
    check_shapes(logits, labels)
    regions = Regions(radius, pool, pool_size, pool_stride) if rmi_weight else None
    if regions is not None:
        height, width = regions.cells(*logits.shape[2:])
        if min(height, width) < radius:
            raise ValueError(f'pooled map of {height}x{width} cells holds no window of {radius}x{radius}')
    with torch.autocast(logits.device.type, enabled=False):
        cross_entropy, region = LossParts.apply(logits, labels, ignore_index, regions)
        return (1 - rmi_weight if combine == 'convex' else 1.0) * cross_entropy + rmi_weight * region


@MODELS.register_module()
class RMILoss(nn.Module):
    """Binary cross entropy and region mutual information, called like every loss of the toolbox.

    Args:
        radius: side of the windows, in pooled cells.
        pool: ``'avg'``, ``'max'`` or None, over ``pool_size`` squares every ``pool_stride`` pixels.
        rmi_weight, combine: see ``rmi_loss``; a weight of 0 leaves the binary cross entropy alone.
        ignore_index: label left out, unless the call names another.
        loss_weight: factor on the result.
        loss_name: key of the result among a head's losses.
    """

    def __init__(
        self,
        radius: int = 3,
        pool: Pool | None = 'avg',
        pool_size: int = 4,
        pool_stride: int = 4,
        rmi_weight: float = 0.5,
        combine: Combine = 'convex',
        ignore_index: int = 255,
        loss_weight: float = 1.0,
        loss_name: str = 'loss_rmi',
    ):
        super().__init__()
        check_options(radius, pool, pool_size, pool_stride, rmi_weight, combine)
        self.options: dict[str, Any] = dict(
            radius=radius,
            pool=pool,
            pool_size=pool_size,
            pool_stride=pool_stride,
            rmi_weight=rmi_weight,
            combine=combine,
        )
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
    ) -> Tensor:
        """Return the weighted loss of ``cls_score`` [B, K, H, W] against ``label`` [B, H, W].

        Raises:
            ValueError: pixel weights, a factor or another reduction are asked for: regions have one mean only.
        """
        if weight is not None or avg_factor is not None or reduction_override not in (None, 'mean'):
            raise ValueError(
                'pixel weights, avg_factor and reductions other than "mean" have no meaning for regions: '
                f'weight given: {weight is not None}, avg_factor={avg_factor}, reduction={reduction_override!r}'
            )
        ignored = self.ignore_index if ignore_index is None else ignore_index
        return self.loss_weight * rmi_loss(cls_score, label, ignore_index=ignored, **self.options)

    def extra_repr(self) -> str:
        return ', '.join(f'{name}={value!r}' for name, value in self.options.items())
