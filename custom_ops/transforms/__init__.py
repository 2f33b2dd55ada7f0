"""Training-time transforms that the toolbox lacks; they draw from numpy's global generator, as the toolbox's do."""

from .blur import RandomBoxBlur, RandomGaussianBlur
from .colour import AdditivePoissonNoise, ColourJitter, RandomContrast, RandomMultiply, RGBShift
from .crops import CentreCrop, FiveCrop, RandomSideCrop
from .order import RandomOrder
from .rotation import ReflectRotate

__all__ = [
    'AdditivePoissonNoise',
    'CentreCrop',
    'ColourJitter',
    'FiveCrop',
    'RGBShift',
    'RandomBoxBlur',
    'RandomContrast',
    'RandomGaussianBlur',
    'RandomMultiply',
    'RandomOrder',
    'RandomSideCrop',
    'ReflectRotate',
]
