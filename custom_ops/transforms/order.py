"""Transforms applied in an order drawn anew for each image."""

from collections.abc import Sequence

import numpy as np
from mmcv.transforms import BaseTransform
from mmseg.registry import TRANSFORMS

from .sample import Sample


@TRANSFORMS.register_module()
class RandomOrder(BaseTransform):
    """Apply every one of ``transforms`` (configs or transforms), in random order.

    Raises:
        ValueError: there is none.
    """

    def __init__(self, transforms: Sequence[dict | BaseTransform]):
        if not transforms:
            raise ValueError('RandomOrder needs at least one transform')
        self.transforms = [TRANSFORMS.build(item) if isinstance(item, dict) else item for item in transforms]

    def transform(self, results: Sample) -> Sample | None:
        for index in np.random.permutation(len(self.transforms)):
            results = self.transforms[index](results)
            if results is None:
                return None
        return results
