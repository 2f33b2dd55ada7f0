"""Which heads of a model predict the classes of the data. Pure."""

from collections.abc import Mapping
from typing import Any


def main_head(model: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the config of the head whose output is the prediction: the last of a cascade; empty if there is none."""
    head = model.get('decode_head') or {}
    return head[-1] if isinstance(head, (list, tuple)) else head


def main_classes(model: Mapping[str, Any]) -> int | None:
    """Return the number of classes that ``model`` predicts, None where its main head does not state it.

    Heads of another number find something else, the edges for instance, whatever the classes of the data are.
    """
    return main_head(model).get('num_classes')
