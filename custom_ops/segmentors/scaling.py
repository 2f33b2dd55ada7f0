"""Look at an image at another scale.

Source: Tao, Sapra & Catanzaro 2020, arXiv:2005.10821; the initial stages of hierarchical_attention.
Shapes: B images, H x W pixels; a scale s has floor(s*H) x floor(s*W).
"""

from math import floor
from typing import Any

from mmseg.models.segmentors import EncoderDecoder
from mmseg.registry import MODELS
from torch import Tensor

from ..heads.scale_attention import check_scale, resize_to


def scaled_size(height: int, width: int, scale: float) -> tuple[int, int]:
    """Return (floor(scale * height), floor(scale * width)).

    Raises:
        ValueError: nothing would be left of the image.
    """
    size = floor(scale * height), floor(scale * width)
    if min(size) < 1:
        raise ValueError(f'scale {scale:g} leaves {size[0]}x{size[1]} of {height}x{width} pixels; 1x1 is the least')
    return size


def scale_image(image: Tensor, scale: float) -> Tensor:
    """Return ``image`` [B, C, H, W] at ``scale``: bilinear, corners not aligned, no antialias; itself at 1.

    Raises:
        ValueError: nothing would be left of the image.
    """
    height, width = image.shape[-2:]
    return resize_to(image, scaled_size(height, width, scale))


def stage_name(scale: float) -> str:
    """Return the name of a scale in losses, blocks and parameters: ``scale_0_5`` for 0.5."""
    return f'scale_{scale:g}'.replace('.', '_')


@MODELS.register_module()
class ScaledSegmentor(EncoderDecoder):
    """The toolbox's ``EncoderDecoder`` that looks at its images at another scale: an initial stage.

    Logits are resized to the labels in training and to the image in testing, whatever the scale. The parameters are
    those of an ``EncoderDecoder`` by name, so that ``HierarchicalSegmentor.load_stage`` takes them.

    Args:
        scale: factor on height and width.
        options: those of ``EncoderDecoder``.

    Raises:
        ValueError: ``scale`` is not positive.
    """

    def __init__(self, *, scale: float, **options: Any):
        check_scale(scale)
        super().__init__(**options)
        self.scale = scale

    def extract_feat(self, inputs: Tensor) -> Any:
        return super().extract_feat(scale_image(inputs, self.scale))
