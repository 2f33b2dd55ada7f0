"""Decode heads that the toolbox lacks."""

from .deeplabv3plus import DeepLabV3PlusHead
from .logits import LogitsHead

__all__ = ['DeepLabV3PlusHead', 'LogitsHead']
