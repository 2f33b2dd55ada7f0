"""HED: five edge maps read off the stages of a VGG16, and a sixth fused from them.

Source: Xie & Tu 2015, arXiv:1504.06375, section 3. The stages are VGG16's convolutions, each side output the last of
them through a 1x1; everything is upsampled to the image.
Shapes: B batch, H x W pixels.
"""

import re
from collections.abc import Mapping

import torch
from mmcv.cnn import VGG
from mmengine.model import BaseModule
from mmseg.registry import MODELS
from torch import Tensor, nn
from torch.nn import functional as F

from .frame import check_image, pad_to_stride

STRIDE = 16
STAGE_WIDTHS = (64, 128, 256, 512, 512)
STAGE_CONVS = (2, 2, 3, 3, 3)
MAPS = len(STAGE_WIDTHS) + 1

_ORDINALS = {'One': 1, 'Two': 2, 'Thr': 3, 'Fou': 4, 'Fiv': 5}


def convolution_index(stage: int, conv: int) -> int:
    """Return the position in VGG16's layer list of convolution ``conv`` of ``stage``, both counted from 1.

    Each convolution is followed by a ReLU and each stage by a pooling layer.
    """
    return sum(2 * convs + 1 for convs in STAGE_CONVS[: stage - 1]) + 2 * (conv - 1)


def own_name(name: str) -> str:
    """Translate a parameter's name in one of the released layouts of HED; other names come back unchanged.

    Known are the layer names of the original release (``conv3_2``, ``score_dsn4``, ``score_final``) and of its
    best-known port (``moduleVggThr.3``, ``moduleScoreFou``, ``moduleCombine.0``).
    """
    if found := re.fullmatch(r'conv(\d)_(\d)\.(weight|bias)', name):
        return f'features.{convolution_index(int(found[1]), int(found[2]))}.{found[3]}'
    if found := re.fullmatch(r'score[-_]dsn(\d)\.(weight|bias)', name):
        return f'sides.{int(found[1]) - 1}.{found[2]}'
    if found := re.fullmatch(r'(?:score_final|new-score-weighting|(?:module|net)Combine\.0)\.(weight|bias)', name):
        return f'fuse.{found[1]}'
    if found := re.fullmatch(r'(?:module|net)Vgg(\w{3})\.(\d)\.(weight|bias)', name):
        # A stage after the first starts with its pooling layer there, so that its convolutions sit at odd positions.
        conv = int(found[2]) // 2 + 1
        return f'features.{convolution_index(_ORDINALS[found[1]], conv)}.{found[3]}'
    if found := re.fullmatch(r'(?:module|net)Score(\w{3})\.(weight|bias)', name):
        return f'sides.{_ORDINALS[found[1]] - 1}.{found[2]}'
    return name


@MODELS.register_module()
class HED(BaseModule):
    """Edge logits of images [B, 3, H, W], H and W at least 64: five sides, finest first, then their fusion.

    Six maps [B, 1, H, W]; images are padded to multiples of 16 inside. 14,716,171 parameters; 47.0 G multiply-adds at
    320x480. VGG16's classifier weights load by name (``features.*``), released ones through ``adapt_state_dict``.

    Raises:
        ValueError: an image has another number of channels or a side below 64 pixels.
    """

    def __init__(self, init_cfg: dict | None = None):
        super().__init__(init_cfg)
        vgg = VGG(depth=16, with_last_pool=False)
        self.features = vgg.features
        # Without the pooling layer that ends a stage: the sides are read before it.
        starts = [bounds[0] for bounds in vgg.range_sub_modules]
        self.stages = [slice(start, start + 2 * convs) for start, convs in zip(starts, STAGE_CONVS, strict=True)]
        self.sides = nn.ModuleList(nn.Conv2d(width, 1, 1) for width in STAGE_WIDTHS)
        self.fuse = nn.Conv2d(len(STAGE_WIDTHS), 1, 1)
        self._start()

    def _start(self) -> None:
        """Start from plain averages of the sides, and from convolutions that keep the variance: there is no BN."""
        for layer in self.features:
            if isinstance(layer, nn.Conv2d):
                nn.init.kaiming_normal_(layer.weight, nonlinearity='relu')
                nn.init.zeros_(layer.bias)
        nn.init.constant_(self.fuse.weight, 1 / len(STAGE_WIDTHS))
        nn.init.zeros_(self.fuse.bias)

    @staticmethod
    def adapt_state_dict(stored: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Return a released state dict under this network's own names; see ``own_name``."""
        return {own_name(name): tensor for name, tensor in stored.items()}

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        check_image(images, 3)
        height, width = images.shape[-2:]
        x = pad_to_stride(images, STRIDE)
        padded = x.shape[-2:]
        maps: list[Tensor] = []
        for stage, side in zip(self.stages, self.sides, strict=True):
            x = self.features[stage](F.max_pool2d(x, 2) if maps else x)
            edges = F.interpolate(side(x), padded, mode='bilinear', align_corners=False)
            maps.append(edges[..., :height, :width])
        return (*maps, self.fuse(torch.cat(maps, dim=1)))
