"""Losses that the toolbox lacks."""

from .rmi import RMILoss, rmi_loss

__all__ = ['RMILoss', 'rmi_loss']
