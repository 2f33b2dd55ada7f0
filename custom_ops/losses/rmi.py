"""Region mutual information: a loss on neighbourhoods, written out plainly from its formulas.

Source: Zhao et al. 2019, "Region Mutual Information Loss for Semantic Segmentation", NeurIPS.
Shapes: B batch, K classes, H x W pixels, h x w pooled cells, r window radius, D = r * r window size,
M = (h - r + 1) * (w - r + 1) windows.

One-hot labels and shifted copies are materialised: this is the referee that faster versions answer to.
"""

from typing import Any, Literal, get_args

import torch
from mmseg.registry import MODELS
from torch import Tensor, nn
from torch.nn import functional as F

Pool = Literal['avg', 'max']
Combine = Literal['convex', 'sum']

PROBABILITY_FLOOR = 1e-6
RIDGE = 5e-4


def check_labels(labels: Tensor, num_classes: int, ignore_index: int) -> None:
    """Refuse labels [B, H, W] outside 0 to K - 1 that are not ``ignore_index``.

    Raises:
        ValueError: names the first such value, the rule and the exception to it.
    """
    bad = (labels != ignore_index) & ((labels < 0) | (labels >= num_classes))
    if bad.any():
        raise ValueError(
            f'label {int(labels[bad][0])} is outside 0 to {num_classes - 1} and is not the ignored {ignore_index}'
        )


def check_logits(logits: Tensor) -> None:
    """Refuse logits that hold a NaN or an infinity.

    Raises:
        FloatingPointError: says how many there are.
    """
    broken = int((~torch.isfinite(logits)).sum())
    if broken:
        raise FloatingPointError(f'{broken} of {logits.numel()} logits are not finite: the network has diverged')


def one_hot(labels: Tensor, num_classes: int, ignore_index: int, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    """Return (Y [B, K, H, W], zero where ignored; validity mask [B, 1, H, W]) of labels [B, H, W]."""
    valid = labels != ignore_index
    indices = torch.where(valid, labels, 0).long()
    targets = F.one_hot(indices, num_classes).permute(0, 3, 1, 2).to(dtype)
    mask = valid.unsqueeze(1).to(dtype)
    return targets * mask, mask


def masked_bce(logits: Tensor, targets: Tensor, mask: Tensor) -> Tensor:
    """Return the binary cross entropy, summed over valid pixels and classes, per valid pixel (plus one).

    ``logits`` and ``targets`` [B, K, H, W]; ``mask`` [B, 1, H, W]. The result is a scalar.
    """
    return ((F.softplus(logits) - logits * targets) * mask).sum() / (mask.sum() + 1)


def pool_map(maps: Tensor, pool: Pool | None, size: int, stride: int) -> Tensor:
    """Pool [B, K, H, W] to [B, K, h, w] with ``size // 2`` of padding; ``None`` leaves it as it is.

    The padding of ``'avg'`` counts as zeros, so that border cells are half empty.
    """
    if pool is None:
        return maps
    if pool == 'avg':
        return F.avg_pool2d(maps, size, stride, padding=size // 2)
    return F.max_pool2d(maps, size, stride, padding=size // 2)


def centred_windows(maps: Tensor, radius: int) -> Tensor:
    """Return the shifted copies [B, K, D, M] of [B, K, h, w] in float64, each of mean zero.

    Raises:
        ValueError: the map is smaller than one window.
    """
    height, width = maps.shape[-2:]
    if min(height, width) < radius:
        raise ValueError(f'pooled map of {height}x{width} cells holds no window of {radius}x{radius}')
    rows, columns = height - radius + 1, width - radius + 1
    shifted = [
        maps[..., top : top + rows, left : left + columns].flatten(2) for top in range(radius) for left in range(radius)
    ]
    # A float32 Gram matrix of these loses three digits of the gradient.
    windows = torch.stack(shifted, dim=2).double()
    return windows - windows.mean(dim=3, keepdim=True)


def conditional_entropy(labels: Tensor, probabilities: Tensor) -> Tensor:
    """Return half the log-determinant [B, K] of the labels' covariance given the probabilities.

    Both [B, K, D, M] and centred. With ``a`` the ridge, it is that of Cll - Clp (Cpp + a)^-1 Cpl + a, the Schur
    complement in the joint matrix: the last D diagonal entries of the joint Cholesky factor, which never fails.
    """
    size = labels.shape[2]
    joint = torch.cat([probabilities, labels], dim=2)
    gram = joint @ joint.transpose(2, 3)
    gram = gram + RIDGE * torch.eye(2 * size, dtype=gram.dtype, device=gram.device)
    diagonal = torch.linalg.cholesky(gram).diagonal(dim1=2, dim2=3)
    return diagonal[..., size:].log().sum(dim=2)


def region_information(
    logits: Tensor, targets: Tensor, mask: Tensor, radius: int, pool: Pool | None, pool_size: int, pool_stride: int
) -> Tensor:
    """Return the region term, a float64 scalar: the entropies averaged over images and summed over classes, over D.

    ``logits``, ``targets`` [B, K, H, W]; ``mask`` [B, 1, H, W]. The gradient flows through the logits only.
    """
    probabilities = torch.sigmoid(logits) * mask + PROBABILITY_FLOOR
    windows = [
        centred_windows(pool_map(maps, pool, pool_size, pool_stride), radius) for maps in (targets, probabilities)
    ]
    return conditional_entropy(*windows).mean(dim=0).sum() / radius**2


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

    ``combine='convex'`` is ``(1 - rmi_weight) * bce + rmi_weight * rmi``, ``'sum'`` is ``bce + rmi_weight * rmi``.
    Half-precision logits are taken to float32 first. Ignored pixels are zero labels and floor probabilities.

    Raises:
        ValueError: shapes disagree, a label is out of range, or the pooled map is smaller than a window.
        FloatingPointError: a logit is not finite.
    """
    if logits.dim() != 4 or labels.shape != (logits.shape[0], *logits.shape[2:]):
        raise ValueError(f'labels {tuple(labels.shape)} do not belong to logits {tuple(logits.shape)}')
    check_logits(logits)
    check_labels(labels, logits.shape[1], ignore_index)
    logits = logits if logits.dtype == torch.float64 else logits.float()
    targets, mask = one_hot(labels, logits.shape[1], ignore_index, logits.dtype)
    bce = masked_bce(logits, targets, mask)
    # Automatic mixed precision leaves float64 products alone.
    rmi = region_information(logits, targets, mask, radius, pool, pool_size, pool_stride).to(bce.dtype)
    bce_weight = 1 - rmi_weight if combine == 'convex' else 1.0
    return bce_weight * bce + rmi_weight * rmi


def check_options(radius: int, pool: str | None, pool_size: int, pool_stride: int, combine: str) -> None:
    """Refuse options that name no loss.

    Raises:
        ValueError: names the value, the rule and the choices.
    """
    if pool is not None and pool not in get_args(Pool):
        raise ValueError(f'pool {pool!r}: choose from {", ".join(get_args(Pool))} or None')
    if combine not in get_args(Combine):
        raise ValueError(f'combine {combine!r}: choose from {", ".join(get_args(Combine))}')
    for name, value in dict(radius=radius, pool_size=pool_size, pool_stride=pool_stride).items():
        if value < 1:
            raise ValueError(f'{name} {value}: must be at least 1')


@MODELS.register_module()
class RMILoss(nn.Module):
    """Binary cross entropy and region mutual information, called like every loss of the toolbox.

    Args:
        radius: side of the windows, in pooled cells.
        pool: ``'avg'``, ``'max'`` or None, over ``pool_size`` squares every ``pool_stride`` pixels.
        rmi_weight, combine: see ``rmi_loss``.
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
        check_options(radius, pool, pool_size, pool_stride, combine)
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
