"""The last step of a pipeline: bytes stay bytes, and keep the order they have in memory."""

import numpy as np
import torch
from mmengine.structures import PixelData
from mmseg.datasets.transforms import PackSegInputs
from mmseg.registry import TRANSFORMS

from .sample import Sample

PIXELS = ('img', 'gt_seg_map')


@TRANSFORMS.register_module()
class PackPixels(PackSegInputs):
    """``PackSegInputs`` that neither reorders the image nor widens the label map.

    ``inputs`` is uint8 [3, H, W], a view of the image's own memory, and ``gt_sem_seg`` uint8 [1, H, W];
    ``BatchPreProcessor`` makes of them what the network needs.
    """

    def transform(self, results: Sample) -> dict:
        packed = super().transform({key: value for key, value in results.items() if key not in PIXELS})
        if 'img' in results:
            packed['inputs'] = torch.from_numpy(np.ascontiguousarray(results['img'])).permute(2, 0, 1)
        if 'gt_seg_map' in results:
            label = np.ascontiguousarray(results['gt_seg_map'], dtype=np.uint8)
            packed['data_samples'].gt_sem_seg = PixelData(data=torch.from_numpy(label)[None])
        return packed
