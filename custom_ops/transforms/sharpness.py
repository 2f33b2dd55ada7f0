"""Sharpening of the image; labels stay as they are.

Source: unet_phases II.2, which names the transform and neither its strength nor its probability.
"""

import mmcv
import numpy as np
from mmcv.transforms import BaseTransform
from mmseg.registry import TRANSFORMS

from .sample import Sample, map_image


@TRANSFORMS.register_module()
class RandomSharpness(BaseTransform):
    """With probability ``prob``, move each pixel away from its smoothed surroundings.

    ``factor`` 0 gives the smoothed image, 1 the image itself, 2 one that is as much sharper.

    Raises:
        ValueError: ``factor`` is negative.
    """

    def __init__(self, factor: float = 2.0, prob: float = 0.5):
        if factor < 0:
            raise ValueError(f'factor {factor}: must not be negative; 1 keeps the image')
        self.factor = factor
        self.prob = prob

    def transform(self, results: Sample) -> Sample:
        if np.random.rand() >= self.prob:
            return results
        return map_image(results, lambda image: mmcv.adjust_sharpness(image, self.factor))
