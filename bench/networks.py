"""Tell which experiments have one network: they differ in how it is trained, not in what a forward computes."""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mmengine.config import Config

from bench import compose

OF_TRAINING = frozenset({'data_preprocessor', 'init_cfg', 'loss_decode', 'pretrained', 'train_cfg'})
"""Keys of a model config that a forward from a tensor to logits does not read."""


def sharing(configs: Mapping[str, Path]) -> dict[str, tuple[str, ...]]:
    """Return, for each of ``configs`` (experiment to file), all that have its network, itself included, in order."""
    identities = {name: identity(path) for name, path in configs.items()}
    groups: dict[str, list[str]] = {}
    for name, network in identities.items():
        groups.setdefault(network, []).append(name)
    return {name: tuple(groups[network]) for name, network in identities.items()}


def identity(config: Path) -> str:
    """Return a hash that two experiments share only if their networks cost the same at documented size and classes.

    What differs in training alone but could differ in a forward too, a dropout say, counts as different.
    """
    experiment = Config.fromfile(config, import_custom_modules=False)
    protocol = experiment.protocol
    model = compose.model_for(experiment.model, protocol.num_classes)
    # Two of a user's modules may call different classes by one name.
    parts = model, experiment.get('custom_imports'), protocol.cost.input_shape, protocol.cost.count_auxiliary
    return hashlib.sha256(repr([_forward(part) for part in parts]).encode()).hexdigest()


def _forward(node: Any) -> Any:
    if isinstance(node, Mapping):
        return sorted((key, _forward(value)) for key, value in node.items() if key not in OF_TRAINING)
    return [_forward(item) for item in node] if isinstance(node, list | tuple) else node
