"""Decode heads that the toolbox lacks."""

from .deeplabv3 import DeepLabV3Head
from .deeplabv3plus import DeepLabV3PlusHead
from .edge import EdgeHead
from .explicit_attention import ExplicitAttentionHead
from .logits import LogitsHead
from .pooled_pyramid import PooledPyramidHead
from .scale_attention import DeconvAttentionHead, ScaleAttentionHead
from .scale_semantic import ScaleSemanticHead

__all__ = [
    'DeconvAttentionHead',
    'DeepLabV3Head',
    'DeepLabV3PlusHead',
    'EdgeHead',
    'ExplicitAttentionHead',
    'LogitsHead',
    'PooledPyramidHead',
    'ScaleAttentionHead',
    'ScaleSemanticHead',
]
