"""Hierarchical multi-scale attention over any trunk and decoder of the toolbox.

Source: Tao, Sapra & Catanzaro 2020, arXiv:2005.10821; hierarchical_attention for trunks of their own per scale.
Shapes: B images, K classes, H x W pixels, S scales.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from copy import deepcopy
from functools import reduce
from typing import Any

import torch
from mmseg.registry import MODELS
from mmseg.utils import add_prefix
from torch import Tensor, nn

from ..heads.scale_attention import check_scales, fuse_scales, join_scale
from .freezing import freeze, parts_of
from .scaling import scale_image, stage_name
from .stage import ScaleOutput, ScaleStage, stack_labels
from .supervision import supervise


@MODELS.register_module()
class HierarchicalSegmentor(ScaleStage):
    """See an image at several scales and let attention decide, pixel by pixel, between neighbouring ones.

    Loss: the decode head's own on the fused logits; ``scale_weight`` times the same on each scale's logits; each
    auxiliary head's own (0.4 is the custom, given as its ``loss_weight``) on its fused logits, with the same
    attention. Where ``RMILoss`` is configured it applies to the fused logits alone, its binary cross entropy elsewhere.

    Testing, whole or sliding: ``test_cfg.scales`` (the training scales unless given) and ``test_cfg.flip`` (False),
    which averages the logits of the image and its mirror. With a shared trunk any scales that hold 1.0 will do.

    Args:
        backbone, decode_head, options: as for ``EncoderDecoder``; a list of heads is a cascade (OCR).
        attention_head: config of a ``ScaleAttentionHead`` or ``DeconvAttentionHead``.
        scales: those trained, 1.0 among them.
        shared_trunk: one network for all scales. False: one per scale, with attention on all but the highest; the
            highest scale's is held as an ``EncoderDecoder``'s (``backbone``, ``decode_head``), the others in
            ``lower_stages``.
        scale_weight: of the supervision of single scales; the paper's Cityscapes recipe has 0.05.
        squash: apply a sigmoid after each fusion, losses included: as coded by the report, wrong for the paper.
        attend_highest: run a shared attention head on the highest scale too, though fusion never reads it: in training
            its batch norm sees all scales, as in the paper's program, and the plots have all maps. False saves the
            time, in testing without changing a number.
        frozen: blocks that training leaves alone, see ``freezing.freeze``: 'trunk', 'segmentation', 'attention'; with
            ``shared_trunk=False`` also 'scale_0_5/trunk' or 'scale_0_5/*'.

    Raises:
        ValueError: scales without 1.0 or not trained with trunks of their own; a block that does not exist.
    """

    def __init__(
        self,
        backbone: Mapping[str, Any],
        decode_head: Mapping[str, Any] | Sequence[Mapping[str, Any]],
        attention_head: Mapping[str, Any],
        scales: Sequence[float] = (0.5, 1.0),
        shared_trunk: bool = True,
        scale_weight: float = 0.0,
        squash: bool = False,
        attend_highest: bool = True,
        frozen: Sequence[str] = (),
        **options: Any,
    ):
        ordered = check_scales(scales)
        if scale_weight < 0:
            raise ValueError(f'scale_weight {scale_weight:g} is negative; it must be 0 (off) or more, such as 0.05')
        own_scales = () if shared_trunk else ordered[1:]
        # Copied first: the toolbox takes configs apart while it builds.
        parts = [deepcopy((backbone, decode_head, attention_head, _stage_options(options))) for _ in own_scales]
        super().__init__(backbone, decode_head, attention_head if shared_trunk else None, **options)
        self.scales, self.shared_trunk = ordered, shared_trunk
        self.scale_weight, self.attend_highest = scale_weight, attend_highest
        self.activation = torch.sigmoid if squash else None
        self.lower_stages = nn.ModuleDict()
        for scale, (trunk, decoder, attention, others) in zip(own_scales, parts, strict=True):
            self.lower_stages[stage_name(scale)] = ScaleStage(trunk, decoder, attention, **others)
        self._checked(self.test_scales)
        if frozen:
            freeze(self, frozen)

    @property
    def test_scales(self) -> tuple[float, ...]:
        """The scales of inference, from the highest to the lowest; ``test_cfg.scales`` may be changed at any time."""
        return check_scales(self.test_cfg.get('scales') or self.scales)

    def stage_of(self, scale: float) -> ScaleStage:
        """Return the network that looks at ``scale``: this one, or one of ``lower_stages``."""
        if self.shared_trunk or scale == self.scales[0]:
            return self
        return self.lower_stages[stage_name(scale)]

    def named_blocks(self) -> dict[str, list[nn.Module]]:
        """Return the modules that can be frozen, by name: per scale where each has its own."""
        if self.shared_trunk:
            return parts_of(self)
        blocks: dict[str, list[nn.Module]] = {}
        for scale in self.scales:
            blocks |= parts_of(self.stage_of(scale), f'{stage_name(scale)}/')
        return blocks

    def load_stage(self, scale: float, state: Mapping[str, Tensor]) -> list[str]:
        """Load a network trained on its own (``ScaledSegmentor`` or ``EncoderDecoder``) as the stage of ``scale``.

        Args:
            scale: one of the trained scales.
            state: its state dict, or a checkpoint that holds one as ``state_dict``.

        Returns:
            The parameters and statistics of the stage that ``state`` lacks: those of the attention head.

        Raises:
            ValueError: the scale is not trained, or ``state`` holds names that the stage lacks.
        """
        self._check_trained([scale])
        state = state.get('state_dict', state)
        stage = self.stage_of(scale)
        unexpected = sorted(set(state) - set(stage.state_dict()))
        if unexpected:
            raise ValueError(
                f'{stage_name(scale)} has no {", ".join(unexpected[:5])} ({len(unexpected)} unknown names in all); the '
                f'state must come from a network of the same parts: {", ".join(parts_of(stage))}'
            )
        missing = stage.load_state_dict(state, strict=False).missing_keys
        return [name for name in missing if not name.startswith('lower_stages.')]

    def read_scales(
        self, inputs: Tensor, scales: Iterable[float], auxiliary: bool
    ) -> Iterator[tuple[float, ScaleOutput]]:
        """Yield (scale, its output) for ``inputs`` [B, C, H, W], from the highest scale to the lowest."""
        for index, scale in enumerate(self._checked(scales)):
            image, stage = scale_image(inputs, scale), self.stage_of(scale)
            # Fusion never reads the highest scale's attention: no gradient will come, so none is prepared.
            attend, learn = index > 0 or self.attend_highest, index > 0
            yield scale, stage.read(image, attend=attend, learn_attention=learn, auxiliary=auxiliary)

    def loss(self, inputs: Tensor, data_samples: Sequence[Any]) -> dict[str, Tensor]:
        """Return the losses of ``inputs`` [B, C, H, W] by name: ``decode.*``, ``scale_<s>.*`` and ``aux_<i>.*``."""
        outputs = dict(self.read_scales(inputs, self.scales, auxiliary=True))
        joint = fuse_scales({scale: (out.logits, out.attention) for scale, out in outputs.items()}, self.activation)
        losses = add_prefix(self.heads[-1].loss_by_feat(joint, data_samples), 'decode')
        labels = stack_labels(data_samples)
        if self.scale_weight:
            for scale, out in outputs.items():
                terms = supervise(self.heads[-1], self.main_criteria, out.logits, labels, self.scale_weight)
                losses |= add_prefix(terms, stage_name(scale))
        for index, (head, criteria) in enumerate(zip(self.auxiliaries, self.auxiliary_criteria, strict=True)):
            maps = {scale: (out.auxiliary[index], out.attention) for scale, out in outputs.items()}
            terms = supervise(head, criteria, fuse_scales(maps, self.activation), labels, 1.0)
            losses |= add_prefix(terms, f'aux_{index}')
        return losses

    def encode_decode(self, inputs: Tensor, batch_img_metas: Any = None) -> Tensor:
        """Return the fused logits [B, K, H, W] of ``inputs`` [B, C, H, W] over ``test_scales``, flips averaged."""
        logits = self._fused(inputs)
        if self.test_cfg.get('flip', False):
            logits = (logits + self._fused(inputs.flip(-1)).flip(-1)) / 2
        return logits

    def _fused(self, inputs: Tensor) -> Tensor:
        def join(joint: Tensor | None, entry: tuple[float, ScaleOutput]) -> Tensor:
            scale, out = entry
            return join_scale(joint, scale, out.logits, out.attention, self.activation)

        # One scale at a time: at scale 2 the logits alone are four times the image's.
        return reduce(join, self.read_scales(inputs, self.test_scales, auxiliary=False), None)

    def _forward(self, inputs: Tensor, data_samples: Any = None) -> Tensor:
        return self.encode_decode(inputs)

    @torch.no_grad()
    def attention_maps(self, inputs: Tensor, scales: Sequence[float] | None = None) -> dict[float, Tensor]:
        """Return the attention [B, 1, s*H, s*W] of every scale that has one, for plots.

        Args:
            inputs: prepared images [B, C, H, W].
            scales: ``test_scales`` unless given. ``scale_shares`` turns the maps into each scale's share of a pixel.
        """
        outputs = self.read_scales(inputs, scales or self.test_scales, auxiliary=False)
        return {scale: out.attention for scale, out in outputs if out.attention is not None}

    def _checked(self, scales: Iterable[float]) -> tuple[float, ...]:
        ordered = check_scales(scales)
        if not self.shared_trunk:
            self._check_trained(ordered)
        return ordered

    def _check_trained(self, scales: Iterable[float]) -> None:
        strangers = [scale for scale in scales if scale not in self.scales]
        if strangers:
            raise ValueError(
                f'scale {strangers[0]:g} has no stage: choose from {", ".join(f"{s:g}" for s in self.scales)}; '
                'other scales can only be added with shared_trunk=True'
            )


def _stage_options(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options of a lower stage: images are prepared once, and testing is the whole's affair."""
    return {key: value for key, value in options.items() if key not in ('data_preprocessor', 'test_cfg')}
