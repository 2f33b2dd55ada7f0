"""Training-time transforms that the toolbox lacks; they draw from numpy's global generator, as the toolbox's do."""

from .blur import RandomBoxBlur, RandomGaussianBlur
from .colour import AdditivePoissonNoise, ColourJitter, RandomContrast, RandomMultiply, RGBShift
from .crops import CentreCrop, FiveCrop, RandomSideCrop
from .edges import LabelsToEdges, label_edges
from .order import RandomOrder
from .rotation import ReflectRotate
from .sharpness import RandomSharpness

__all__ = [
    'AdditivePoissonNoise',
    'CentreCrop',
    'ColourJitter',
    'FiveCrop',
    'LabelsToEdges',
    'RGBShift',
    'RandomBoxBlur',
    'RandomContrast',
    'RandomGaussianBlur',
    'RandomMultiply',
    'RandomOrder',
    'RandomSharpness',
    'RandomSideCrop',
    'ReflectRotate',
    'label_edges',
]
