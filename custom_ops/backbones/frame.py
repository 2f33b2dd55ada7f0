"""The frame of an image: which images a network accepts, and how their sides become multiples of its stride."""

from torch import Tensor
from torch.nn import functional as F

MIN_SIZE = 64


def check_image(images: Tensor, channels: int, minimum: int = MIN_SIZE) -> None:
    """Refuse images that are not [B, ``channels``, H, W] with H and W at least ``minimum``.

    A trunk has no minimum: what it gets may be a large image at a small scale.

    Raises:
        ValueError: names the value and the rule.
    """
    if images.ndim != 4 or images.shape[1] != channels:
        raise ValueError(f'images of shape {tuple(images.shape)}: the network expects [B, {channels}, H, W]')
    height, width = images.shape[-2:]
    if min(height, width) < minimum:
        raise ValueError(f'image of {height}x{width} pixels: both sides must be at least {minimum}')


def pad_to_stride(images: Tensor, stride: int) -> Tensor:
    """Append zeros below and to the right until H and W are multiples of ``stride``."""
    height, width = images.shape[-2:]
    return F.pad(images, (0, -width % stride, 0, -height % stride))
