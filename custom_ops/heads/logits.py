"""A decode head without parameters, for networks that end in their own logits.

Shapes: B batch, K classes, H x W pixels.
"""

from collections.abc import Sequence
from typing import Any

from mmseg.models.decode_heads.decode_head import BaseDecodeHead
from mmseg.registry import MODELS
from torch import Tensor


@MODELS.register_module()
class LogitsHead(BaseDecodeHead):
    """Hand logits [B, K, H, W] on to the loss and to the prediction.

    The network may return the logits alone or as the ``in_index``-th of several outputs. Every other argument
    (``loss_decode``, ``ignore_index``, ``align_corners``) is the toolbox's.

    Raises:
        ValueError: the network's number of channels is not ``num_classes``.
    """

    def __init__(self, num_classes: int, **options: Any):
        options.setdefault('init_cfg', None)
        super().__init__(num_classes, num_classes, num_classes=num_classes, dropout_ratio=0, **options)
        del self.conv_seg

    def forward(self, inputs: Tensor | Sequence[Tensor]) -> Tensor:
        logits = inputs if isinstance(inputs, Tensor) else inputs[self.in_index]
        if logits.shape[1] != self.out_channels:
            raise ValueError(f'the network ends in {logits.shape[1]} channels, the head expects {self.out_channels}')
        return logits
