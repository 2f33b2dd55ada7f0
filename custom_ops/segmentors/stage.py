"""One trunk with its segmentation block and attention: what looks at one scale.

Source: Tao, Sapra & Catanzaro 2020, arXiv:2005.10821.
Shapes: B images, K classes, h x w the pixels of the image as this stage sees it.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any

import torch
from mmengine.config import ConfigDict
from mmseg.models.segmentors import EncoderDecoder
from mmseg.registry import MODELS
from torch import Tensor, nn

from ..heads.scale_attention import resize_to
from .freezing import hold_still, parts_of
from .supervision import region_free


@dataclass(frozen=True)
class ScaleOutput:
    """What one scale says: logits [B, K, h, w], attention [B, 1, h, w] (None if not asked for) and auxiliary logits.

    All on the grid of the image as that scale sees it; ``auxiliary`` in the order of ``ScaleStage.auxiliaries``.
    """

    logits: Tensor
    attention: Tensor | None = None
    auxiliary: tuple[Tensor, ...] = ()


@dataclass(frozen=True)
class StageFeatures:
    """A stage's own grids: ``logits`` [B, K, *, *], the ``context`` heads' logits, what the attention reads, trunk."""

    logits: Tensor
    context: tuple[Tensor, ...]
    read: Tensor
    trunk: Any


@contextmanager
def inputs_of(module: nn.Module) -> Iterator[list[Tensor]]:
    """Collect the first input of every call of ``module`` inside the block."""
    seen: list[Tensor] = []
    handle = module.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    try:
        yield seen
    finally:
        handle.remove()


@contextmanager
def without_gradients() -> Iterator[None]:
    """Leave the block out of the gradient, and out of what autocast remembers.

    torch 2.6 remembers the half-precision weights of such a block too; taken again later in the same step, they would
    keep gradients from the parameters.
    """
    remembers = torch.is_autocast_cache_enabled()
    torch.set_autocast_cache_enabled(False)
    try:
        with torch.no_grad():
            yield
    finally:
        torch.set_autocast_cache_enabled(remembers)


class ScaleStage(EncoderDecoder):
    """The toolbox's ``EncoderDecoder`` with an attention head beside its decode head.

    Args:
        backbone, decode_head: as for ``EncoderDecoder``. A list of heads is a cascade, as in the toolbox's
            ``CascadeEncoderDecoder`` (OCR): each head gets the logits of the one before, and all but the last are
            auxiliary heads too.
        attention_head: config of a head with ``reads``, see ``ScaleAttentionHead``; None for no attention.
        test_cfg: ``mode='whole'`` unless given.
        options: the others of ``EncoderDecoder``. An auxiliary head's weight is its own ``loss_weight``.

    Raises:
        ValueError: the attention reads a layer that the decode head lacks.
    """

    def __init__(
        self,
        backbone: Mapping[str, Any],
        decode_head: Mapping[str, Any] | Sequence[Mapping[str, Any]],
        attention_head: Mapping[str, Any] | None = None,
        test_cfg: Mapping[str, Any] | None = None,
        auxiliary_head: Any = None,
        **options: Any,
    ):
        test_cfg = ConfigDict(dict(mode='whole') | dict(test_cfg or {}))
        super().__init__(backbone, decode_head, auxiliary_head=auxiliary_head, test_cfg=test_cfg, **options)
        self.attention_head: Any = None if attention_head is None else MODELS.build(attention_head)
        if self.attention_head is not None:
            self._check_reads(self.attention_head.reads)
        cascade = [decode_head] if isinstance(decode_head, Mapping) else list(decode_head)
        extra = [auxiliary_head] if isinstance(auxiliary_head, Mapping) else list(auxiliary_head or ())
        default = dict(type='CrossEntropyLoss', loss_weight=1.0)
        losses = [head.get('loss_decode', default) for head in (*cascade, *extra)]
        self.plain_criteria = nn.ModuleList(region_free(loss) for loss in losses)
        self.frozen_blocks: tuple[str, ...] = ()
        self.frozen_parameters: tuple[str, ...] = ()

    def _init_decode_head(self, decode_head: Any) -> None:
        if isinstance(decode_head, Mapping):
            super()._init_decode_head(decode_head)
            return
        self.decode_head = nn.ModuleList(MODELS.build(head) for head in decode_head)
        last = self.decode_head[-1]
        self.align_corners = last.align_corners
        self.num_classes = last.num_classes
        self.out_channels = last.out_channels

    def _check_reads(self, reads: str | int) -> None:
        layers = [name for name, _ in self.heads[-1].named_children()]
        if isinstance(reads, str) and reads not in layers:
            raise ValueError(
                f'the attention head reads {reads!r}, which {type(self.heads[-1]).__name__} lacks; choose the layer '
                f'whose input it should read from {", ".join(layers)}, or the index of an output of the trunk'
            )

    @property
    def heads(self) -> list[Any]:
        """The decode heads: one, or the cascade."""
        return list(self.decode_head) if isinstance(self.decode_head, nn.ModuleList) else [self.decode_head]

    @property
    def watched_heads(self) -> list[Any]:
        """The heads of which a layer's input is read while they run: whoever compiles them has to leave that layer."""
        attends = self.attention_head is not None and isinstance(self.attention_head.reads, str)
        return self.heads[-1:] if attends else []

    @property
    def auxiliaries(self) -> list[Any]:
        """The heads that only training needs: all of the cascade but its last, and the auxiliary heads."""
        extra = getattr(self, 'auxiliary_head', None)
        extra = list(extra) if isinstance(extra, nn.ModuleList) else [extra]
        return self.heads[:-1] + [head for head in extra if head is not None]

    @property
    def main_criteria(self) -> nn.ModuleList:
        """The losses of the last decode head, region mutual information reduced to its binary cross entropy."""
        return self.plain_criteria[len(self.heads) - 1]

    @property
    def auxiliary_criteria(self) -> list[nn.ModuleList]:
        """The same for each of ``auxiliaries``."""
        last = len(self.heads) - 1
        return [criteria for index, criteria in enumerate(self.plain_criteria) if index != last]

    def named_blocks(self) -> dict[str, list[nn.Module]]:
        """Return the modules that can be frozen, by name."""
        return parts_of(self)

    def train(self, mode: bool = True) -> 'ScaleStage':
        """Set the mode of everything but the frozen blocks, which stay in evaluation mode."""
        super().train(mode)
        hold_still(self)
        return self

    def decode(self, image: Tensor) -> StageFeatures:
        """Run trunk and decode head(s) on ``image`` [B, C, h, w], keeping what the attention head reads."""
        trunk = self.extract_feat(image)
        reads = self.attention_head.reads if self.attention_head is not None else -1
        watched: AbstractContextManager[list[Tensor]] = nullcontext([])
        if isinstance(reads, str):
            watched = inputs_of(getattr(self.heads[-1], reads))
        context: list[Tensor] = []
        with watched as seen:
            for head in self.heads:
                context.append(head(trunk, context[-1]) if context else head(trunk))
        read = seen[-1] if isinstance(reads, str) else trunk[reads]
        return StageFeatures(context[-1], tuple(context[:-1]), read, trunk)

    def read(
        self, image: Tensor, attend: bool = True, learn_attention: bool = True, auxiliary: bool = False
    ) -> ScaleOutput:
        """Return what this stage says of ``image`` [B, C, h, w], resized to h x w.

        Args:
            image: as prepared for the trunk, at the scale of this stage.
            attend: whether to compute the attention.
            learn_attention: whether gradients may flow through it.
            auxiliary: whether to run the auxiliary heads.
        """
        features, size = self.decode(image), image.shape[-2:]
        attention = None
        if attend and self.attention_head is not None:
            with nullcontext() if learn_attention else without_gradients():
                attention = resize_to(self.attention_head(features.read), size)
        extra: tuple[Tensor, ...] = ()
        if auxiliary:
            own = [head(features.trunk) for head in self.auxiliaries[len(features.context) :]]
            extra = tuple(resize_to(logits, size) for logits in (*features.context, *own))
        return ScaleOutput(resize_to(features.logits, size), attention, extra)


def stack_labels(data_samples: Sequence[Any]) -> Tensor:
    """Return the labels [B, H, W] of toolbox samples."""
    return torch.stack([sample.gt_sem_seg.data for sample in data_samples]).squeeze(1)
