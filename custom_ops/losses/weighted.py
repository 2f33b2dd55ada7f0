"""The mean of a pixel-wise loss whose pixels weigh differently. Shapes: B batch, H x W pixels."""

from torch import Tensor, finfo


def weighted_mean(pixels: Tensor, valid: Tensor | None, factor: Tensor | None = None) -> Tensor:
    """Return the mean of ``pixels`` [B, H, W], losses that are weighted already and 0 where ignored.

    Args:
        valid: what the valid pixels weigh in all, a number; the mean is over these weights, as in torch, and 0 where
            there are none. None divides by the number of all pixels, ignored ones included.
        factor: [B, H, W], multiplies each pixel's loss and not its share of the mean.
    """
    if factor is not None:
        pixels = pixels * factor
    if valid is None:
        return pixels.sum() / pixels.numel()
    return pixels.sum() / valid.clamp(min=finfo(valid.dtype).tiny)
