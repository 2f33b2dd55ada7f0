"""Samples joined into a batch of bytes, in the loader's own process.

The toolbox's collation keeps a list of images and of int64 label maps, to be moved and stacked one by one; here a batch
is two uint8 tensors, an eighth of the label's bytes, that a loader can pin and a device takes in two copies.
"""

from collections.abc import Sequence
from typing import Any

import torch
from mmengine.dataset import pseudo_collate
from mmengine.registry import FUNCTIONS

STACKED = 'labels'


@FUNCTIONS.register_module()
def collate_pixels(samples: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Join samples of ``PackPixels``.

    Returns:
        ``inputs`` uint8 [B, 3, H, W] in channels-last memory, ``labels`` uint8 [B, 1, h, w], ``data_samples`` without
        their label maps. Where the samples differ in size or carry no labels: what ``pseudo_collate`` returns.
    """
    images = [sample['inputs'] for sample in samples]
    annotated = [sample['data_samples'] for sample in samples]
    labels = [one.gt_sem_seg.data for one in annotated if 'gt_sem_seg' in one]
    if not _stackable(images, len(samples)) or not _stackable(labels, len(samples)):
        return pseudo_collate(samples)
    for one in annotated:
        del one.gt_sem_seg
    inputs = torch.stack([image.permute(1, 2, 0) for image in images]).permute(0, 3, 1, 2)
    return {'inputs': inputs, STACKED: torch.stack(labels), 'data_samples': annotated}


def _stackable(tensors: Sequence[torch.Tensor], count: int) -> bool:
    return len(tensors) == count and all(
        one.dtype == torch.uint8 and one.shape == tensors[0].shape and one.ndim == 3 for one in tensors
    )
