"""A segmentor whose network sees an edge map beside the image.

Source: squeeze_edge, "Holistic Edge Detection Preprocessing" and DLSE-HED; what the map shows in training and in
testing, and its scale, are the arms that the report's text and its program leave open.
Shapes: B batch, H x W pixels.
"""

from typing import Any, Literal, get_args

import torch
from mmseg.models.segmentors import EncoderDecoder
from mmseg.registry import MODELS
from mmseg.utils import OptSampleList, SampleList
from torch import Tensor
from torch.nn import functional as F

from custom_ops.branches.hed_branch import pixels_of
from custom_ops.transforms.edges import label_edges

Edges = Literal['photo', 'labels']


def edges_of_samples(samples: SampleList, size: tuple[int, int], radius: int, ignore_index: int = 255) -> Tensor:
    """Return the edges [B, 1, H, W] of the samples' labels at ``size`` (H, W): 1 on an edge, 0 elsewhere, float32.

    Labels of another size are resampled to it first, each pixel from its nearest. Where the toolbox has padded images
    without their labels, as it does in testing, these are brought to the image's place, and the padding has no edge.
    """
    maps = []
    for sample in samples:
        left, right, top, bottom = sample.get('img_padding_size', (0, 0, 0, 0))
        image = size[0] - top - bottom, size[1] - left - right
        labels = F.interpolate(sample.gt_sem_seg.data[None].float(), image, mode='nearest')[:, 0].long()
        edges = label_edges(labels, radius, ignore_index) == 1
        maps.append(F.pad(edges.float(), (left, right, top, bottom)))
    return torch.stack(maps)


@MODELS.register_module()
class EdgeGuidedSegmentor(EncoderDecoder):
    """The toolbox's segmentor; its backbone takes [B, 4, H, W]: the image [B, 3, H, W] and an edge map.

    Images that come with four channels keep the map they bring, as one computed beforehand. Counting and timing have
    no labels: an arm that takes its test edges from them then gets an empty map.

    Args:
        edge_branch: config of what draws the edges of a photo, see ``HEDBranch``; None where no arm needs it.
        train_edges: what the map shows in training: edges of the ``'photo'`` or of the ``'labels'`` (the answer).
        test_edges: the same in testing; ``'photo'`` after training on ``'labels'`` is the source's mismatch.
        edge_scale: value of a certain edge: 1, or 255 for the unscaled map of the source's program.
        edge_radius: how far an edge of the labels reaches into each class, in pixels.
        options: the toolbox's own (``backbone``, ``decode_head``, ``data_preprocessor``, ...).

    Raises:
        ValueError: an edge source is not offered, the photo's edges are asked for without a branch, or those of
            labels for samples without any.
    """

    def __init__(
        self,
        edge_branch: dict | None = None,
        train_edges: Edges = 'photo',
        test_edges: Edges = 'photo',
        edge_scale: float = 1.0,
        edge_radius: int = 1,
        **options: Any,
    ):
        for name, value in (('train_edges', train_edges), ('test_edges', test_edges)):
            if value not in get_args(Edges):
                raise ValueError(f'{name} {value!r}: choose from {", ".join(get_args(Edges))}')
        super().__init__(**options)
        self.edge_branch = MODELS.build(edge_branch) if edge_branch else None
        self.train_edges = train_edges
        self.test_edges = test_edges
        self.edge_scale = edge_scale
        self.edge_radius = edge_radius

    def with_edges(self, images: Tensor, samples: OptSampleList, source: Edges) -> Tensor:
        """Return images [B, 3, H, W] with their edge map as the fourth channel; [B, 4, H, W] come back as they are."""
        if images.shape[1] == 4:
            return images
        edges = self._photo_edges(images) if source == 'photo' else self._label_edges(images, samples)
        return torch.cat([images, self.edge_scale * edges.to(images)], dim=1)

    def _photo_edges(self, images: Tensor) -> Tensor:
        if self.edge_branch is None:
            raise ValueError("edges of the photo need an edge_branch: give one, or choose 'labels'")
        return self.edge_branch(pixels_of(images, self.data_preprocessor))

    def _label_edges(self, images: Tensor, samples: OptSampleList) -> Tensor:
        if not samples or any('gt_sem_seg' not in sample for sample in samples):
            raise ValueError("edges of the labels need samples with gt_sem_seg: load annotations, or choose 'photo'")
        return edges_of_samples(samples, tuple(images.shape[-2:]), self.edge_radius, self.decode_head.ignore_index)

    def loss(self, inputs: Tensor, data_samples: SampleList) -> dict:
        return super().loss(self.with_edges(inputs, data_samples, self.train_edges), data_samples)

    def predict(self, inputs: Tensor, data_samples: OptSampleList = None) -> SampleList:
        return super().predict(self.with_edges(inputs, data_samples, self.test_edges), data_samples)

    def inference(self, inputs: Tensor, batch_img_metas: list[dict]) -> Tensor:
        """Return the logits [B, K, H, W] of images [B, 3, H, W] alone, or of [B, 4, H, W] with their map."""
        return super().inference(self._without_labels(inputs), batch_img_metas)

    def _forward(self, inputs: Tensor, data_samples: OptSampleList = None) -> Tensor:
        if not data_samples:
            return super()._forward(self._without_labels(inputs))
        return super()._forward(self.with_edges(inputs, data_samples, self.test_edges), data_samples)

    def _without_labels(self, images: Tensor) -> Tensor:
        if self.test_edges == 'labels' and images.shape[1] == 3:
            return F.pad(images, (0, 0, 0, 0, 0, 1))
        return self.with_edges(images, None, self.test_edges)
