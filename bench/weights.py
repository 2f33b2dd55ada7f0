"""Pretrained weights: looked up by name in a folder, never fetched; what was used is recorded."""

from pathlib import Path
from typing import Any

import torch


def initialise(model: torch.nn.Module, documented: str | None, folder: Path) -> dict[str, Any]:
    """Load the documented weights into ``model.backbone`` where the user has them; return the ``init`` block.

    Args:
        documented: name of the weights the experiment starts from; the file looked for is ``<folder>/<name>.pth``,
            a state dict (or a checkpoint holding one) with torchvision's or mmseg's parameter names.
        folder: the weights folder.

    Returns:
        ``documented`` and ``used`` names ('random' for none), how many backbone tensors were ``loaded`` out of
        ``of``, and ``left_random``, the names of those that were not.
    """
    block: dict[str, Any] = {'documented': documented or 'random', 'used': 'random', 'loaded': 0, 'of': None}
    if documented is None:
        return block
    path = folder / f'{documented}.pth'
    if not path.exists():
        return block
    stored = torch.load(path, map_location='cpu', weights_only=True)
    stored = stored.get('state_dict', stored)
    stored = {name.removeprefix('backbone.'): tensor for name, tensor in stored.items()}
    own = model.backbone.state_dict()
    fitting = {name: tensor for name, tensor in stored.items() if name in own and own[name].shape == tensor.shape}
    model.backbone.load_state_dict(fitting, strict=False)
    left = sorted(set(own) - set(fitting))
    return {**block, 'used': documented, 'loaded': len(fitting), 'of': len(own), 'left_random': left}
