"""ResNet with squeeze and excitation at the end of every residual branch.

Source: Hu et al. 2018, arXiv:1709.01507; the trunk (7x7 stem, stride on the 3x3) is the toolbox's ResNet.
Shapes: B batch, H x W pixels.
"""

from typing import Any, ClassVar

from mmseg.models.backbones.resnet import BasicBlock, Bottleneck, ResNet
from mmseg.registry import MODELS
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from custom_ops.branches import SqueezeExcitation
from custom_ops.branches.squeeze_excitation import Gate

from .frame import check_image


class ExcitedBasicBlock(BasicBlock):
    """Two 3x3 convolutions with the one plugin of ``plugins`` between them and the addition.

    The toolbox's own block takes plugins only where it is a bottleneck.
    """

    def __init__(self, *args: Any, plugins: list[dict], **options: Any):
        super().__init__(*args, **options)
        layer = dict(plugins[0]['cfg'])
        self.excitation = layer.pop('type')(self.conv2.out_channels, **layer)

    def forward(self, x: Tensor) -> Tensor:
        if self.with_cp and x.requires_grad:
            return checkpoint(self._add_branch, x, use_reentrant=False)
        return self._add_branch(x)

    def _add_branch(self, x: Tensor) -> Tensor:
        shortcut = x if self.downsample is None else self.downsample(x)
        features = self.relu(self.norm1(self.conv1(x)))
        features = self.excitation(self.norm2(self.conv2(features)))
        return self.relu(features + shortcut)


@MODELS.register_module()
class SEResNet(ResNet):
    """Trunk features of images [B, C, H, W] of any size: a tuple, one map per stage of ``out_indices``.

    SE-ResNet-50: 26,039,024 parameters, 28,088,024 with a classifier of 1000 classes; 4.09 G multiply-adds at 224x224.

    Args:
        depth: 18, 34, 50, 101 or 152.
        ratio, gate, largest_factor: of ``SqueezeExcitation``.
        options: the toolbox's ResNet's own (``strides``, ``dilations``, ``multi_grid``, ``in_channels``, ...).

    Raises:
        ValueError: the depth is not offered, or an image has another number of channels.
    """

    arch_settings: ClassVar[dict[int, tuple[type, tuple[int, ...]]]] = {
        depth: (ExcitedBasicBlock if block is BasicBlock else Bottleneck, blocks)
        for depth, (block, blocks) in ResNet.arch_settings.items()
    }

    def __init__(
        self, depth: int, ratio: int = 16, gate: Gate = 'sigmoid', largest_factor: float = 1.0, **options: Any
    ):
        if depth not in self.arch_settings:
            raise ValueError(f'depth {depth}: choose from {", ".join(map(str, self.arch_settings))}')
        layer = dict(type=SqueezeExcitation, ratio=ratio, gate=gate, largest_factor=largest_factor)
        super().__init__(depth, plugins=[dict(cfg=layer, position='after_conv3')], **options)

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        check_image(images, self.conv1.in_channels if not self.deep_stem else self.stem[0].in_channels, minimum=1)
        return super().forward(images)
