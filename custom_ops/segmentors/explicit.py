"""Explicit attention to scale over any trunk and decoder of the toolbox: the baseline of hierarchical attention.

Source: Chen, Yang, Wang, Xu & Yuille 2016, "Attention to Scale: Scale-aware Semantic Image Segmentation", CVPR.
Shapes: B images, K classes, H x W pixels, S scales.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from mmseg.registry import MODELS
from mmseg.utils import add_prefix
from torch import Tensor

from ..heads.explicit_attention import weigh_scales
from ..heads.scale_attention import check_scales, resize_to
from .freezing import freeze
from .scaling import scale_image, stage_name
from .stage import ScaleStage, StageFeatures, stack_labels
from .supervision import supervise


@MODELS.register_module()
class ExplicitScaleSegmentor(ScaleStage):
    """See an image at a fixed set of scales and weigh them, pixel by pixel, with one softmax over all.

    The features of all scales, on the grid of scale 1, are read by one attention head; its weights, resized to the
    logits of scale 1, add up the logits of all scales. Training costs every scale, the largest most.

    Loss: the decode head's own on the weighted logits plus ``scale_weight`` times the same on each scale's (where
    ``RMILoss`` is configured, its binary cross entropy there). Testing, whole or sliding, uses the trained scales;
    ``test_cfg.flip`` averages the logits of the image and its mirror. The first heads of a cascade are not supervised.

    Args:
        backbone, decode_head, options: as for ``EncoderDecoder``; a list of heads is a cascade (OCR).
        attention_head: config of an ``ExplicitAttentionHead``; its ``num_scales`` is set here.
        scales: 1.0 among them.
        scale_weight: of the supervision of each scale; 1 in the source.
        frozen: blocks that training leaves alone: 'trunk', 'segmentation', 'attention'.

    Raises:
        ValueError: scales without 1.0, auxiliary heads, or a block that does not exist.
    """

    def __init__(
        self,
        backbone: Mapping[str, Any],
        decode_head: Mapping[str, Any] | Sequence[Mapping[str, Any]],
        attention_head: Mapping[str, Any],
        scales: Sequence[float] = (0.5, 1.0, 2.0),
        scale_weight: float = 1.0,
        frozen: Sequence[str] = (),
        **options: Any,
    ):
        ordered = check_scales(scales)
        if scale_weight < 0:
            raise ValueError(f'scale_weight {scale_weight:g} is negative; it must be 0 (off) or more, such as 1')
        if options.get('auxiliary_head') is not None:
            raise ValueError('auxiliary_head is set; this baseline supervises single scales instead, see scale_weight')
        super().__init__(backbone, decode_head, {**attention_head, 'num_scales': len(ordered)}, **options)
        self.scales, self.scale_weight = ordered, scale_weight
        if frozen:
            freeze(self, frozen)

    def weigh(self, inputs: Tensor) -> tuple[Tensor, Tensor, dict[float, Tensor]]:
        """Run all scales on ``inputs`` [B, C, H, W].

        Returns:
            The joint logits [B, K, h, w] on the logits' grid at scale 1, the weights [B, S, h', w'] on the features'
            grid at scale 1 (scales from the highest to the lowest), and each scale's logits on its own grid.
        """
        seen: dict[float, StageFeatures] = {scale: self.decode(scale_image(inputs, scale)) for scale in self.scales}
        grid = seen[1.0].read.shape[-2:]
        joined = torch.cat([resize_to(features.read, grid) for features in seen.values()], dim=1)
        weights = self.attention_head(joined)
        logits = {scale: features.logits for scale, features in seen.items()}
        return weigh_scales(list(logits.values()), weights, logits[1.0].shape[-2:]), weights, logits

    def loss(self, inputs: Tensor, data_samples: Sequence[Any]) -> dict[str, Tensor]:
        """Return the losses of ``inputs`` [B, C, H, W] by name: ``decode.*`` and ``scale_<s>.*``."""
        joint, _, logits = self.weigh(inputs)
        losses = add_prefix(self.heads[-1].loss_by_feat(joint, data_samples), 'decode')
        labels = stack_labels(data_samples)
        for scale, own in logits.items() if self.scale_weight else ():
            terms = supervise(self.heads[-1], self.main_criteria, own, labels, self.scale_weight)
            losses |= add_prefix(terms, stage_name(scale))
        return losses

    def encode_decode(self, inputs: Tensor, batch_img_metas: Any = None) -> Tensor:
        """Return the joint logits [B, K, H, W] of ``inputs`` [B, C, H, W], flips averaged."""
        logits = self._joint(inputs)
        if self.test_cfg.get('flip', False):
            logits = (logits + self._joint(inputs.flip(-1)).flip(-1)) / 2
        return logits

    def _joint(self, inputs: Tensor) -> Tensor:
        return resize_to(self.weigh(inputs)[0], inputs.shape[-2:])

    def _forward(self, inputs: Tensor, data_samples: Any = None) -> Tensor:
        return self.encode_decode(inputs)

    @torch.no_grad()
    def attention_maps(self, inputs: Tensor) -> dict[float, Tensor]:
        """Return each scale's share [B, 1, H, W] of every pixel of the prepared images [B, C, H, W], summing to one."""
        weights = resize_to(self.weigh(inputs)[1], inputs.shape[-2:])
        return {scale: weights[:, index : index + 1] for index, scale in enumerate(self.scales)}
