"""A decode head without parameters for edge detectors with side outputs.

Source: Xie & Tu 2015, arXiv:1504.06375, section 3: every side is supervised like the fused map.
Shapes: B batch, H x W pixels.
"""

from collections.abc import Sequence
from typing import Any, Literal, get_args

from mmseg.models.decode_heads.decode_head import BaseDecodeHead
from mmseg.registry import MODELS
from mmseg.structures import SegDataSample
from mmseg.utils import ConfigType, SampleList
from torch import Tensor

from custom_ops.transforms.edges import label_edges

Labels = Literal['classes', 'edges']


@MODELS.register_module()
class EdgeHead(BaseDecodeHead):
    """Train every edge map [B, 1, H, W] of a network; predict by the last, the fused one.

    Args:
        labels: what the samples hold: ``'classes'``, whose edges are derived here, or ``'edges'`` (0, 1, ignored).
        radius: how far an edge derived from classes reaches into each, in pixels.
        options: the toolbox's own (``loss_decode``, ``ignore_index``, ``threshold``).

    Raises:
        ValueError: ``labels`` is not offered.
    """

    def __init__(self, labels: Labels = 'classes', radius: int = 1, **options: Any):
        if labels not in get_args(Labels):
            raise ValueError(f'labels {labels!r}: choose from {", ".join(get_args(Labels))}')
        defaults = dict(loss_decode=dict(type='ClassBalancedLoss'), threshold=0.5, init_cfg=None)
        super().__init__(1, 1, num_classes=1, dropout_ratio=0, **(defaults | options))
        del self.conv_seg
        self.labels = labels
        self.radius = radius

    def forward(self, inputs: Sequence[Tensor]) -> Tensor:
        return inputs[-1]

    def _stack_batch_gt(self, batch_data_samples: Sequence[SegDataSample]) -> Tensor:
        labels = super()._stack_batch_gt(batch_data_samples)
        if self.labels == 'edges':
            return labels
        return label_edges(labels.squeeze(1), self.radius, self.ignore_index).unsqueeze(1)

    def loss(self, inputs: Sequence[Tensor], batch_data_samples: SampleList, train_cfg: ConfigType) -> dict:
        """Return one loss per map: ``side1.<name>``, ..., ``fused.<name>``."""
        names = [*(f'side{number}' for number in range(1, len(inputs))), 'fused']
        return {
            f'{name}.{key}': value
            for name, logits in zip(names, inputs, strict=True)
            for key, value in self.loss_by_feat(logits, batch_data_samples).items()
            if key != 'acc_seg'
        }
