"""MobileNetV3-Large in torchvision's layout, its last stage dilated: output stride 16.

Source: Howard et al. 2019, arXiv:1905.02244; torchvision's segmentation trunk, which kitti_ablation used. The
toolbox's own trunk dilates two stages (stride 8) and pads strided layers unevenly, as TensorFlow does.
Shapes: B batch, H x W pixels.
"""

from collections.abc import Mapping, Sequence

from mmcv.cnn import ConvModule
from mmengine.model import BaseModule
from mmseg.models.backbones import MobileNetV3
from mmseg.models.utils import InvertedResidualV3
from mmseg.registry import MODELS
from torch import Tensor, nn

from .frame import check_image

STEM_WIDTH, LAST_WIDTH = 16, 960
FIRST_DILATED = 13  # the block whose stride is given up
DILATION = 2


def inverted_residual(
    in_channels: int, setting: Sequence, stride: int, dilation: int, norm_cfg: Mapping
) -> InvertedResidualV3:
    """One block of the toolbox's list [kernel, middle, output, gated, activation, stride], padded evenly."""
    kernel, middle, out_channels, gated, activation, _ = setting
    gate = dict(channels=middle, ratio=4, act_cfg=(dict(type='ReLU'), dict(type=nn.Hardsigmoid)))
    block = InvertedResidualV3(
        in_channels,
        out_channels,
        middle,
        kernel_size=kernel,
        # Asked for stride 2, the toolbox builds the uneven padding: the stride is set below.
        stride=1,
        se_cfg=gate if gated else None,
        with_expand_conv=in_channels != middle,
        norm_cfg=dict(norm_cfg),
        act_cfg=dict(type=activation),
    )
    conv = block.depthwise_conv.conv
    conv.stride = (stride, stride)
    conv.dilation = (dilation, dilation)
    conv.padding = (kernel // 2 * dilation,) * 2
    return block


@MODELS.register_module()
class DilatedMobileNetV3(BaseModule):
    """Trunk features of images [B, 3, H, W] of any size, one map per layer of ``out_indices``.

    Layers are counted from the stem, 0, over fifteen blocks to the last 1x1, 16 (960 channels at stride 16). The
    default adds layer 4 (40 channels at stride 8), where torchvision attaches the auxiliary head.

    Raises:
        ValueError: a layer is not offered, or an image has another number of channels.
    """

    def __init__(self, out_indices: Sequence[int] = (4, 16), init_cfg: dict | None = None):
        super().__init__(init_cfg or dict(type='Kaiming', layer='Conv2d', mode='fan_out'))
        settings = MobileNetV3.arch_settings['large']
        last = len(settings) + 1
        if not out_indices or not set(out_indices) <= set(range(last + 1)):
            raise ValueError(f'out_indices {tuple(out_indices)}: choose from the layers 0 to {last}')
        self.out_indices = tuple(out_indices)
        norm = dict(type='BN', eps=1e-3, momentum=0.01)
        layer = dict(norm_cfg=norm, act_cfg=dict(type='HSwish'))
        self.layers = nn.ModuleList([ConvModule(3, STEM_WIDTH, 3, stride=2, padding=1, **layer)])
        width = STEM_WIDTH
        for number, setting in enumerate(settings, start=1):
            stride = 1 if number >= FIRST_DILATED else setting[-1]
            dilation = DILATION if number >= FIRST_DILATED else 1
            self.layers.append(inverted_residual(width, setting, stride, dilation, norm))
            width = setting[2]
        self.layers.append(ConvModule(width, LAST_WIDTH, 1, **layer))

    def adapt_state_dict(self, stored: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Return torchvision's ``features.*`` tensors under this trunk's names; other names come back unchanged.

        Both lists run through the same layers in the same order, so that they pair up by position.

        Raises:
            ValueError: there are ``features.*``, but not as many as this trunk has tensors.
        """
        theirs = [name for name in stored if name.startswith('features.')]
        if not theirs:
            return dict(stored)
        own = list(self.state_dict())
        if len(own) != len(theirs):
            raise ValueError(f'{len(theirs)} tensors under features.*: MobileNetV3-Large has {len(own)}')
        return {name: stored[other] for name, other in zip(own, theirs, strict=True)}

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        check_image(images, 3, minimum=1)
        features, x = [], images
        for index, layer in enumerate(self.layers):
            x = layer(x)
            if index in self.out_indices:
                features.append(x)
        return tuple(features)
