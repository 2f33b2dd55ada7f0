"""Mean cross entropy of an evaluation: the validation loss.

Shapes: K classes, H x W pixels of one image.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from mmengine.evaluator import BaseMetric
from mmseg.registry import METRICS
from torch import Tensor
from torch.nn import functional as F

LEAST = -100.0
"""The least logarithm of a probability that counts, as in torch's binary cross entropy: float32 rounds some to 0."""


def log_probabilities(logits: Tensor) -> Tensor:
    """Return the logarithms of the classes' probabilities, float32 [K, H, W], for ``logits`` as the toolbox keeps them.

    Of one channel alone it keeps the probability of class 1 in their place: two classes come back.
    """
    if logits.shape[0] > 1:
        return logits.float().log_softmax(0)
    probability = logits.float()
    return torch.cat([(-probability).log1p(), probability.log()]).clamp(min=LEAST)


def pixel_losses(logits: Tensor, label: Tensor, ignore_index: int = 255) -> Tensor:
    """Return the summed cross entropy of logits [K, H, W] against labels [H, W], and how many pixels it is over.

    float64 [2] on the device of the logits, where nothing has to wait for it. Pixels labelled ``ignore_index`` count
    for nothing. One channel alone is the probability of class 1, see ``log_probabilities``.

    Raises:
        ValueError: logits and labels are not of one size.
    """
    if logits.shape[1:] != label.shape:
        raise ValueError(f'logits {tuple(logits.shape)} are not at the size of the label {tuple(label.shape)}')
    chances = log_probabilities(logits)
    total = F.nll_loss(chances[None], label[None].long(), ignore_index=ignore_index, reduction='sum')
    return torch.stack([total.double(), (label != ignore_index).sum().double()])


@METRICS.register_module()
class CrossEntropyMetric(BaseMetric):
    """Report ``val_loss``: the mean cross entropy, in nats, over all valid pixels of the evaluated images.

    Reads ``seg_logits`` [K, H, W] (of one channel the probability, as the toolbox stores it) and ``gt_sem_seg``
    [1, H, W] of each sample; unweighted, whatever loss is trained. NaN where every pixel was ignored.
    """

    default_prefix = None

    def __init__(self, ignore_index: int = 255, collect_device: str = 'cpu', prefix: str | None = None):
        super().__init__(collect_device=collect_device, prefix=prefix)
        self.ignore_index = ignore_index

    def process(self, data_batch: Any, data_samples: Sequence[Mapping[str, Any]]) -> None:
        """Add one batch of predictions."""
        for sample in data_samples:
            logits = sample['seg_logits']['data']
            label = sample['gt_sem_seg']['data'].squeeze(0).to(logits.device)
            self.results.append(pixel_losses(logits, label, self.ignore_index))

    def compute_metrics(self, results: list[Tensor]) -> dict[str, float]:
        """Return the mean over all pixels."""
        total, pixels = (sum(column) for column in zip(*(result.tolist() for result in results), strict=True))
        return {'val_loss': total / pixels if pixels else float('nan')}
