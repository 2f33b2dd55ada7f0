"""Region mutual information written out plainly from its formulas: the referee that the fast loss answers to.

Source: Zhao et al. 2019, "Region Mutual Information Loss for Semantic Segmentation", NeurIPS.
Shapes: B batch, K classes, H x W pixels, h x w pooled cells, r window radius, D = r * r window size,
M = (h - r + 1) * (w - r + 1) windows.

One-hot labels and shifted copies of the maps are materialised, gradients are left to autograd.
"""

import torch
from torch import Tensor
from torch.nn import functional as F

PROBABILITY_FLOOR = 1e-6
RIDGE = 5e-4


def one_hot(labels: Tensor, num_classes: int, ignore_index: int, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    """Return (Y [B, K, H, W], zero where ignored; validity mask [B, 1, H, W]) of labels [B, H, W]."""
    valid = labels != ignore_index
    targets = F.one_hot(torch.where(valid, labels, 0).long(), num_classes).permute(0, 3, 1, 2).to(dtype)
    mask = valid.unsqueeze(1).to(dtype)
    return targets * mask, mask


def masked_bce(logits: Tensor, targets: Tensor, mask: Tensor) -> Tensor:
    """Return the binary cross entropy, summed over valid pixels and classes, per valid pixel (plus one)."""
    return ((F.softplus(logits) - logits * targets) * mask).sum() / (mask.sum() + 1)


def pool_map(maps: Tensor, pool: str | None, size: int, stride: int) -> Tensor:
    """Pool [B, K, H, W] to [B, K, h, w] with ``size // 2`` of padding; ``None`` leaves it as it is."""
    if pool is None:
        return maps
    if pool == 'avg':
        return F.avg_pool2d(maps, size, stride, padding=size // 2)
    return F.max_pool2d(maps, size, stride, padding=size // 2)


def centred_windows(maps: Tensor, radius: int) -> Tensor:
    """Return the shifted copies [B, K, D, M] of [B, K, h, w] in float64, each of mean zero."""
    height, width = maps.shape[-2:]
    rows, columns = height - radius + 1, width - radius + 1
    shifted = [
        maps[..., top : top + rows, left : left + columns].flatten(2) for top in range(radius) for left in range(radius)
    ]
    windows = torch.stack(shifted, dim=2).double()
    return windows - windows.mean(dim=3, keepdim=True)


def conditional_entropy(labels: Tensor, probabilities: Tensor) -> Tensor:
    """Return half the log-determinant [B, K] of the labels' covariance given the probabilities, both [B, K, D, M]."""
    size = labels.shape[2]
    joint = torch.cat([probabilities, labels], dim=2)
    gram = joint @ joint.mT + RIDGE * torch.eye(2 * size, dtype=joint.dtype, device=joint.device)
    return torch.linalg.cholesky(gram).diagonal(dim1=2, dim2=3)[..., size:].log().sum(dim=2)


def plain_rmi_loss(
    logits: Tensor,
    labels: Tensor,
    radius: int = 3,
    pool: str | None = 'avg',
    pool_size: int = 4,
    pool_stride: int = 4,
    rmi_weight: float = 0.5,
    combine: str = 'convex',
    ignore_index: int = 255,
) -> Tensor:
    """Return what ``custom_ops.losses.rmi_loss`` does, of logits [B, K, H, W] in float32 or float64."""
    targets, mask = one_hot(labels, logits.shape[1], ignore_index, logits.dtype)
    bce = masked_bce(logits, targets, mask)
    probabilities = torch.sigmoid(logits) * mask + PROBABILITY_FLOOR
    label_windows, probability_windows = (
        centred_windows(pool_map(maps, pool, pool_size, pool_stride), radius) for maps in (targets, probabilities)
    )
    rmi = conditional_entropy(label_windows, probability_windows).mean(dim=0).sum() / radius**2
    return (1 - rmi_weight if combine == 'convex' else 1.0) * bce + rmi_weight * rmi.to(bce.dtype)
