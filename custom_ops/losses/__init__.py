"""Losses that the toolbox lacks."""

from .class_balanced import ClassBalancedLoss, balanced_weights
from .edge_weighted import EdgeWeightedLoss, edge_weights
from .inverse_area import InverseAreaLoss, inverse_area_weights
from .rmi import RMILoss, rmi_loss

__all__ = [
    'ClassBalancedLoss',
    'EdgeWeightedLoss',
    'InverseAreaLoss',
    'RMILoss',
    'balanced_weights',
    'edge_weights',
    'inverse_area_weights',
    'rmi_loss',
]
