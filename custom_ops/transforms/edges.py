"""Edges of a label map: where two classes meet.

Source: ours; squeeze_edge feeds its network the edges of label maps (as coded), and edge detectors may be trained on
them where no drawn contours are at hand. Shapes: B batch, H x W pixels.
"""

import numpy as np
import torch
from mmcv.transforms import BaseTransform
from mmseg.registry import TRANSFORMS
from torch import Tensor
from torch.nn import functional as F

from .sample import Sample

NO_NEIGHBOUR = -1e6


def label_edges(labels: Tensor, radius: int = 1, ignore_index: int = 255) -> Tensor:
    """Return 1 where a class other than the pixel's own lies within ``radius`` of it, 0 elsewhere.

    ``labels`` and the result are [B, H, W] int64. Distance is that of the square neighbourhood. Ignored pixels stay
    ``ignore_index`` and make no edge with their neighbours.

    Raises:
        ValueError: ``radius`` is below 1, or ``labels`` are not three-dimensional.
    """
    if radius < 1:
        raise ValueError(f'radius {radius}: an edge reaches at least 1 pixel into each class')
    if labels.ndim != 3:
        raise ValueError(f'labels of shape {tuple(labels.shape)}: expected [B, H, W]')
    ignored = labels == ignore_index
    values = labels.float()
    side = 2 * radius + 1
    # Max pooling pads with minus infinity, so the image's border is no edge either.
    highest = F.max_pool2d(values.masked_fill(ignored, NO_NEIGHBOUR), side, stride=1, padding=radius)
    lowest = -F.max_pool2d((-values).masked_fill(ignored, NO_NEIGHBOUR), side, stride=1, padding=radius)
    return (highest != lowest).long().masked_fill(ignored, ignore_index)


@TRANSFORMS.register_module()
class LabelsToEdges(BaseTransform):
    """Replace every label map of the sample [H, W] by its edges (0, 1, ``ignore_index``); see ``label_edges``."""

    def __init__(self, radius: int = 1, ignore_index: int = 255):
        self.radius = radius
        self.ignore_index = ignore_index

    def transform(self, results: Sample) -> Sample:
        for name in results.get('seg_fields', ()):
            labels = torch.from_numpy(results[name].astype(np.int64))[None]
            edges = label_edges(labels, self.radius, self.ignore_index)[0]
            results[name] = edges.numpy().astype(results[name].dtype)
        return results
