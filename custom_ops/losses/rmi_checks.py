"""What the region loss refuses: options that name no loss, shapes and values that make no sense."""

from math import isfinite
from typing import Literal, get_args

import torch
from torch import Tensor

from .late_check import LATE, LateCheck, answers_at_once

Pool = Literal['avg', 'max']
Combine = Literal['convex', 'sum']


def check_options(
    radius: int, pool: str | None, pool_size: int, pool_stride: int, rmi_weight: float, combine: str
) -> None:
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
    if rmi_weight < 0 or (combine == 'convex' and rmi_weight > 1):
        raise ValueError(f'rmi_weight {rmi_weight}: must be 0 to 1 where combine is convex, at least 0 where it is sum')


def check_shapes(logits: Tensor, labels: Tensor) -> None:
    """Refuse labels that are not [B, H, W] for logits [B, K, H, W], logits of no number, and those of integers.

    Raises:
        ValueError: names both shapes, or the type and the choices.
    """
    if logits.dim() != 4 or labels.shape != (logits.shape[0], *logits.shape[2:]):
        raise ValueError(
            f'labels {tuple(labels.shape)} do not belong to logits {tuple(logits.shape)}: '
            'must be [B, H, W] and [B, K, H, W]'
        )
    if not logits.numel():
        raise ValueError(f'logits {tuple(logits.shape)} are empty: at least one image, class and pixel is needed')
    if not logits.is_floating_point():
        raise ValueError(f'logits are {logits.dtype}: choose a floating point type of 16, 32 or 64 bits')


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


def check_values(
    logits: Tensor, labels: Tensor, ignore_index: int, lowest: Tensor, highest: Tensor, cross_entropy: Tensor
) -> None:
    """Refuse what ``check_labels`` and ``check_logits`` refuse, without going through either tensor again.

    ``lowest`` and ``highest`` are the range of the labels that are not ignored; the sum ``cross_entropy`` holds every
    logit times its label, 0 or 1, and is finite only if each of them is.

    On a GPU all three are looked at ``LATE`` calls later, or when the training ends, when they have long been computed:
    to look now would be to wait for all that is queued. A sum that is not finite is refused there whatever made it so.

    Raises:
        ValueError, FloatingPointError: as said there.
    """
    if answers_at_once(logits.device):
        if lowest < 0 or highest >= logits.shape[1]:
            check_labels(labels, logits.shape[1], ignore_index)
        if not isfinite(cross_entropy):
            # Finite logits can still sum to infinity: only the exact count convicts them.
            check_logits(logits)
        return
    unread = torch.stack([value.to(cross_entropy.dtype) for value in (lowest, highest, cross_entropy)])
    unread_values.add(unread, logits.shape[1], ignore_index)


def _refuse(values: list[float], num_classes: int, ignore_index: int) -> None:
    *ends, cross_entropy = values
    for label in ends:
        if not 0 <= label < num_classes:
            raise ValueError(
                f'label {label:.0f} is outside 0 to {num_classes - 1} and is not the ignored {ignore_index}; '
                f'it came to the region loss at most {LATE} calls ago'
            )
    if not isfinite(cross_entropy):
        raise FloatingPointError(
            f'the cross entropy of the region loss was {cross_entropy} at most {LATE} calls ago: '
            'the network has diverged'
        )


unread_values = LateCheck(_refuse)
"""The lowest and the highest label of batches on a GPU, and the sum of their cross entropy."""
