"""Training-time transforms that the toolbox lacks; they draw from numpy's global generator, as the toolbox's do."""

from .blur import RandomBoxBlur, RandomGaussianBlur
from .cached import CachedTransforms
from .colour import AdditivePoissonNoise, ColourJitter, RandomContrast, RandomMultiply, RGBShift
from .crops import CentreCrop, FiveCrop, RandomSideCrop
from .edges import LabelsToEdges, label_edges
from .order import RandomOrder
from .pack import PackPixels
from .quick import QuickPhotoMetricDistortion, QuickRandomCrop, QuickRandomFlip
from .rotation import ReflectRotate
from .sharpness import RandomSharpness

__all__ = [
    'AdditivePoissonNoise',
    'CachedTransforms',
    'CentreCrop',
    'ColourJitter',
    'FiveCrop',
    'LabelsToEdges',
    'PackPixels',
    'QuickPhotoMetricDistortion',
    'QuickRandomCrop',
    'QuickRandomFlip',
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
