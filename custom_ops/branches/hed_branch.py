"""An edge detector beside a network, and the way back from normalised images to the pixels it expects.

Source: squeeze_edge, "Holistic Edge Detection Preprocessing". Shapes: B batch, H x W pixels.
"""

from collections.abc import Sequence

import torch
from mmengine.model import BaseModule, ImgDataPreprocessor
from mmseg.registry import MODELS
from torch import Tensor, nn

IMAGENET_MEAN, IMAGENET_STD = (123.675, 116.28, 103.53), (58.395, 57.12, 57.375)


def pixels_of(images: Tensor, preprocessor: nn.Module) -> Tensor:
    """Return the pixels [B, 3, H, W] in 0 to 255 that the toolbox's ``preprocessor`` made images [B, 3, H, W] of.

    Their channels are as they were loaded, BGR unless the toolbox's own loading was replaced: it says that channels
    were swapped, not what they were. Any other preprocessor is taken to have left the pixels alone.
    """
    if not isinstance(preprocessor, ImgDataPreprocessor):
        return images
    pixels = images * preprocessor.std + preprocessor.mean if preprocessor._enable_normalize else images
    return pixels.flip(1) if preprocessor._channel_conversion else pixels


@MODELS.register_module()
class HEDBranch(BaseModule):
    """Edge probability [B, 1, H, W] of BGR pixels [B, 3, H, W] in 0 to 255, by a network that stays as it is.

    ``mean``, ``std`` and ``bgr_to_rgb`` are those that the detector was trained with: the defaults are ours; the
    released weights want mean (104.00699, 116.66877, 122.67892), std (1, 1, 1) and ``bgr_to_rgb=False``.

    Args:
        detector: config of a network whose last output is the edge logits.
        frozen: no gradient reaches the detector, as in the source, and it stays in evaluation mode. Otherwise it
            learns with the network.
    """

    def __init__(
        self,
        detector: dict | None = None,
        mean: Sequence[float] = IMAGENET_MEAN,
        std: Sequence[float] = IMAGENET_STD,
        bgr_to_rgb: bool = True,
        frozen: bool = True,
        init_cfg: dict | None = None,
    ):
        super().__init__(init_cfg)
        self.detector = MODELS.build(detector or dict(type='HED'))
        self.detector.requires_grad_(not frozen)
        self.bgr_to_rgb = bgr_to_rgb
        self.frozen = frozen
        self.train()
        self.register_buffer('mean', torch.tensor(mean).view(1, -1, 1, 1), persistent=False)
        self.register_buffer('std', torch.tensor(std).view(1, -1, 1, 1), persistent=False)

    def train(self, mode: bool = True) -> 'HEDBranch':
        """Set the mode of everything but a frozen detector: neither its statistics nor its dropout are of a batch."""
        super().train(mode)
        self.detector.train(mode and not self.frozen)
        return self

    def forward(self, pixels: Tensor) -> Tensor:
        images = pixels.flip(1) if self.bgr_to_rgb else pixels
        with torch.set_grad_enabled(torch.is_grad_enabled() and not self.frozen):
            return self.detector((images - self.mean) / self.std)[-1].sigmoid()
