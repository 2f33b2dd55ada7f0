"""Whole networks and trunks that the toolbox lacks."""

from .dilated_mobilenet import DilatedMobileNetV2
from .phase_unet import PhaseUNet
from .segnetwork import SegNetwork

__all__ = ['DilatedMobileNetV2', 'PhaseUNet', 'SegNetwork']
