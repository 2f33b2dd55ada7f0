"""Whole networks and trunks that the toolbox lacks."""

from .by_name import LoadedByName, fit_by_name, load_by_name, random_blocks, residual_blocks
from .dilated_mobilenet import DilatedMobileNetV2
from .dilated_mobilenet_v3 import DilatedMobileNetV3
from .enet import ENet
from .hed import HED
from .phase_unet import PhaseUNet
from .preact_deeplab import PreActDeepLab
from .resnet_unet import ResNetUNet
from .se_resnet import SEResNet
from .segnetwork import SegNetwork

__all__ = [
    'HED',
    'DilatedMobileNetV2',
    'DilatedMobileNetV3',
    'ENet',
    'LoadedByName',
    'PhaseUNet',
    'PreActDeepLab',
    'ResNetUNet',
    'SEResNet',
    'SegNetwork',
    'fit_by_name',
    'load_by_name',
    'random_blocks',
    'residual_blocks',
]
