"""Write how much each scale counts in every pixel of a prediction, for networks that weigh scales."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from torch import Tensor, nn

from bench.running.panels import panel_size
from custom_ops.heads.scale_attention import scale_shares
from custom_ops.segmentors.explicit import ExplicitScaleSegmentor
from custom_ops.segmentors.hierarchical import HierarchicalSegmentor
from custom_ops.segmentors.scaling import scale_image


def write(folder: Path, model: nn.Module, batch: Mapping[str, Any], index: int, sample: Any) -> None:
    """Store ``<stem>_attention_<scale>.png`` in ``folder`` for each scale; nothing for a network without attention.

    Grey: black is a share of 0, white of 1; of the size of the panels. ``batch`` is as loaded, ``sample`` what the
    model made of its image at ``index``.
    """
    if not hasattr(model, 'attention_maps'):
        return
    one = {'inputs': [batch['inputs'][index]], 'data_samples': [batch['data_samples'][index]]}
    # Padding lies at the right and below; only the image itself is shown.
    height, width = sample.img_shape[:2]
    size = panel_size(sample.gt_sem_seg.data[0].shape)
    for scale, share in shares(model, model.data_preprocessor(one, False)['inputs']).items():
        grey = share[0, 0, :height, :width].float().mul(255).round().clamp(0, 255).byte().cpu().numpy()
        picture = Image.fromarray(grey).resize(size, Image.Resampling.BILINEAR)
        picture.save(folder / f'{Path(sample.img_path).stem}_attention_{scale:g}.png')


@torch.no_grad()
def shares(model: nn.Module, inputs: Tensor) -> dict[float, Tensor]:
    """Return each scale's share [B, 1, H, W] of every pixel of the prepared images [B, C, H, W], summing to one."""
    if isinstance(model, ExplicitScaleSegmentor):
        return model.attention_maps(inputs)
    if not isinstance(model, HierarchicalSegmentor):
        return {}
    maps = model.attention_maps(inputs)
    highest = max(model.test_scales)
    if highest not in maps:
        # Fusion reads the grid of the highest scale only, so that most networks have no attention there.
        grid = scale_image(inputs, highest).shape[-2:]
        maps[highest] = inputs.new_zeros(len(inputs), 1, *grid)
    return scale_shares(maps)
