"""SegNetwork: the plain convolutional baseline of kitti_ablation and its two structural variants.

Source: kitti_ablation, section 1 and its public course baseline (layer list and sizes).
Shapes: B batch, K classes, H x W pixels. Four pooled stages bring H x W to 1/16, an unpadded 3x3
convolution shrinks that map by two, three transposed convolutions grow it about eightfold.
"""

from collections.abc import Sequence

from mmengine.model import BaseModule
from mmseg.registry import MODELS
from torch import Tensor, nn
from torch.nn import functional as F

from .frame import check_image

STAGE_WIDTHS = (64, 128, 256, 512)
CLASSIFIER_WIDTH = 2048


def pooled_stage(in_channels: int, width: int, convs: int, batch_norm: bool) -> nn.Sequential:
    """``convs`` times [3x3 convolution, (BN,) ReLU], then a 2x2 maximum that keeps odd borders."""
    layers: list[nn.Module] = []
    for index in range(convs):
        layers.append(nn.Conv2d(width if index else in_channels, width, 3, padding=1))
        if batch_norm:
            layers.append(nn.BatchNorm2d(width))
        layers.append(nn.ReLU(inplace=True))
    layers.append(nn.MaxPool2d(2, ceil_mode=True))
    return nn.Sequential(*layers)


def classifier(in_channels: int, width: int, num_classes: int) -> nn.Sequential:
    """Map [B, in_channels, h, w] to class scores [B, K, h - 2, w - 2], with dropout of whole channels."""
    return nn.Sequential(
        nn.Conv2d(in_channels, width, 3),
        nn.ReLU(inplace=True),
        nn.Dropout2d(0.5),
        nn.Conv2d(width, width, 1),
        nn.ReLU(inplace=True),
        nn.Dropout2d(0.5),
        nn.Conv2d(width, num_classes, 1),
    )


def score_upsampling(num_classes: int) -> nn.Sequential:
    """Three bias-free transposed convolutions on K channels: 22x76 -> 47x155 -> 96x312 -> 192x624."""
    return nn.Sequential(
        nn.ConvTranspose2d(num_classes, num_classes, 4, stride=2, output_padding=1, bias=False),
        nn.ConvTranspose2d(num_classes, num_classes, 4, stride=2, bias=False),
        nn.ConvTranspose2d(num_classes, num_classes, 4, stride=2, padding=1, bias=False),
    )


@MODELS.register_module()
class SegNetwork(BaseModule):
    """Predict logits [B, K, H, W] from images [B, 3, H, W], H and W at least 64.

    15,279,747 parameters for K = 19; 66.934 G multiply-adds at 375x1242.

    Args:
        num_classes: K.
        batch_norm: batch normalisation between each convolution of the pooled stages and its ReLU.
        extra_convs: one more 3x3 convolution of the same width in stages 2, 3 and 4 (stage 1 has two already).
        widths, classifier_width: channels of the four stages and of the classifier; the source's unless given.

    Raises:
        ValueError: an image has other than three channels, or is smaller than 64 pixels on a side.
    """

    def __init__(
        self,
        num_classes: int = 19,
        batch_norm: bool = False,
        extra_convs: bool = False,
        widths: Sequence[int] = STAGE_WIDTHS,
        classifier_width: int = CLASSIFIER_WIDTH,
        init_cfg: dict | None = None,
    ):
        super().__init__(init_cfg)
        convs = (2, 2, 2, 2) if extra_convs else (2, 1, 1, 1)
        inputs = (3, *widths[:-1])
        # The source puts the normalisation "between" convolution and pooling; the classifier has no pooling, so none.
        self.stages = nn.Sequential(
            *(pooled_stage(i, w, n, batch_norm) for i, w, n in zip(inputs, widths, convs, strict=True))
        )
        self.classifier = classifier(widths[-1], classifier_width, num_classes)
        self.upsampling = score_upsampling(num_classes)

    def forward(self, images: Tensor) -> Tensor:
        check_image(images, 3)
        scores = self.upsampling(self.classifier(self.stages(images)))
        return F.interpolate(scores, images.shape[-2:], mode='bilinear', align_corners=True)
