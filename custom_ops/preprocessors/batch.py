"""Preprocessing of a whole batch at once, on the device: the bytes travel, the floats are made there.

Shapes: B images of H x W pixels.
"""

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

import cv2
import numpy as np
import torch
from mmengine.structures import PixelData
from mmseg.models.data_preprocessor import SegDataPreProcessor
from mmseg.registry import MODELS
from torch import Tensor

from custom_ops.datasets.collate import STACKED
from custom_ops.preprocessors import batch_transforms


@MODELS.register_module()
class BatchPreProcessor(SegDataPreProcessor):
    """``SegDataPreProcessor`` that gives the same values with fewer passes over memory.

    Takes batches of ``collate_pixels``, and the toolbox's own. Label maps come out as int64, ``inputs`` of one size in
    ``memory_format``, contiguous unless it is set otherwise, together with the layout of the network: a convolution
    takes the layout of its input, whatever its weights have. What is padded comes out contiguous.

    Args:
        augment: configs of transforms to be applied to training batches on the device; see ``batch_transforms``.
        arguments: those of ``SegDataPreProcessor``.

    Raises:
        ValueError: there is no batch transform of such a name, or a batch to be augmented is not of one size.
    """

    def __init__(self, augment: Sequence[Mapping[str, Any]] = (), **arguments: Any) -> None:
        super().__init__(**arguments)
        # Pinned batches travel while the device computes; others are copied as before.
        self._non_blocking = True
        self.memory_format = torch.contiguous_format
        self.augment = batch_transforms.build(augment)

    def forward(self, data: dict[str, Any], training: bool = False) -> dict[str, Any]:
        """Return ``inputs`` float32 [B, 3, H', W'] (H', W' padded as the arguments say) and ``data_samples``."""
        if training and self.augment:
            data = self._augmented(data)
        if STACKED not in data:
            return super().forward(_long_labels(data), training)
        if self._pads(data, training):
            return super().forward(_unstacked(data), training)
        return self._whole(data, training)

    def _augmented(self, data: dict[str, Any]) -> dict[str, Any]:
        if STACKED not in data:
            raise ValueError('only batches of one size, joined by collate_pixels, are augmented on the device')
        data = self.cast_data(data)
        images, labels = data['inputs'].float(), data[STACKED]
        # A training step calls this under its autocast, and bfloat16 cannot tell all 256 levels apart.
        with torch.autocast(images.device.type, enabled=False):
            for transform in self.augment:
                images, labels = transform(images, labels)
        return {**data, 'inputs': images.to(torch.uint8), STACKED: labels}

    def _whole(self, data: dict[str, Any], training: bool) -> dict[str, Any]:
        data = self.cast_data(data)
        inputs, labels = data['inputs'], data[STACKED].long()
        inputs = self._looked_up(inputs) if inputs.device.type == 'cpu' else self._computed(inputs)
        inputs = inputs.contiguous(memory_format=self.memory_format)
        for label, sample in zip(labels, data['data_samples'], strict=True):
            sample.gt_sem_seg = PixelData(data=label)
            if training:
                # What the toolbox notes when it pads.
                size = inputs.shape[-2:]
                sample.set_metainfo(
                    {'img_shape': size, 'pad_shape': sample.gt_sem_seg.shape, 'padding_size': (0, 0, 0, 0)}
                )
        return {'inputs': inputs, 'data_samples': data['data_samples']}

    def _computed(self, inputs: Tensor) -> Tensor:
        if self._channel_conversion:
            # By indices the device would have to be sent them, and waited for.
            inputs = inputs.flip(1)
        floats = inputs.to(dtype=torch.float32, memory_format=torch.channels_last)
        return floats.sub_(self.mean).div_(self.std) if self._enable_normalize else floats

    def _looked_up(self, inputs: Tensor) -> Tensor:
        """On a processor each of the 256 levels of a channel is normalised once, and pixels look their value up."""
        batch, _, height, width = inputs.shape
        made = np.empty((batch, height, width, 3), np.float32)
        for image, target in zip(inputs.permute(0, 2, 3, 1).numpy(), made, strict=True):
            if self._channel_conversion:
                image = cv2.cvtColor(image, cv2.COLOR_BGR2RGB)
            cv2.LUT(image, self._table, dst=target)
        return torch.from_numpy(made).permute(0, 3, 1, 2)

    @cached_property
    def _table(self) -> np.ndarray:
        """float32 [1, 256, 3]: what each level becomes in each channel."""
        levels = torch.arange(256.0).expand(3, 1, 256)
        if self._enable_normalize:
            levels = (levels - self.mean.cpu()) / self.std.cpu()
        return np.ascontiguousarray(levels.permute(1, 2, 0).numpy())

    def _pads(self, data: dict[str, Any], training: bool) -> bool:
        """Whether the images have to grow, or the toolbox augments them, so that its own way is taken."""
        if self.batch_augments is not None and training:
            return True
        sizes = {'size': self.size, 'size_divisor': self.size_divisor} if training else dict(self.test_cfg or {})
        height, width = data['inputs'].shape[-2:]
        wanted, divisor = sizes.get('size'), sizes.get('size_divisor')
        if wanted is not None:
            return height < wanted[-2] or width < wanted[-1]
        return divisor is not None and divisor > 1 and bool(height % divisor or width % divisor)


def _unstacked(data: dict[str, Any]) -> dict[str, Any]:
    for label, sample in zip(data[STACKED], data['data_samples'], strict=True):
        sample.gt_sem_seg = PixelData(data=label.long())
    return {'inputs': list(data['inputs']), 'data_samples': data['data_samples']}


def _long_labels(data: dict[str, Any]) -> dict[str, Any]:
    for sample in data.get('data_samples') or ():
        if 'gt_sem_seg' in sample and sample.gt_sem_seg.data.dtype == torch.uint8:
            sample.gt_sem_seg = PixelData(data=sample.gt_sem_seg.data.long())
    return data
