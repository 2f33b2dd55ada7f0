"""Segmentors that the toolbox lacks."""

from .edge_guided import EdgeGuidedSegmentor
from .explicit import ExplicitScaleSegmentor
from .hierarchical import HierarchicalSegmentor
from .scaling import ScaledSegmentor
from .sliding import SlidingCascade, SlidingSegmentor

__all__ = [
    'EdgeGuidedSegmentor',
    'ExplicitScaleSegmentor',
    'HierarchicalSegmentor',
    'ScaledSegmentor',
    'SlidingCascade',
    'SlidingSegmentor',
]
