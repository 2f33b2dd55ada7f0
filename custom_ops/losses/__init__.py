"""Losses that the toolbox lacks."""

from .class_balanced import ClassBalancedLoss, balanced_weights
from .inverse_area import InverseAreaLoss, inverse_area_weights
from .rmi import RMILoss, rmi_loss

__all__ = [
    'ClassBalancedLoss',
    'InverseAreaLoss',
    'RMILoss',
    'balanced_weights',
    'inverse_area_weights',
    'rmi_loss',
]
