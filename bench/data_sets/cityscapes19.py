"""``cityscapes19``: Cityscapes with the 19 classes of its benchmark (deeplab_depth); everything else is ignored.

Base size 512x1024, half of the photographs': deeplab_depth works on a short side of 513, and 512 is the same picture on
a grid that every stride divides.
"""

from pathlib import Path

from bench.data_sets import cityscapes, cityscapes_labels
from bench.records import DataSet

# In the order of the benchmark's training ids.
CLASSES = (
    'road', 'sidewalk', 'building', 'wall', 'fence', 'pole', 'traffic light', 'traffic sign', 'vegetation', 'terrain',
    'sky', 'person', 'rider', 'car', 'truck', 'bus', 'train', 'motorcycle', 'bicycle',
)  # fmt: skip
PALETTE = cityscapes_labels.colours(CLASSES)
LABEL_MAP = cityscapes_labels.label_map({name: k for k, name in enumerate(CLASSES)}, cityscapes_labels.IGNORED)
BASE_SIZE = (512, 1024)
SUMMARY = 'Cityscapes, the 19 classes of its benchmark (2975 train, 500 val)'
OBTAIN = cityscapes.obtain('cityscapes19')
ARCHIVES = cityscapes.ARCHIVES
sequence = cityscapes.sequence


def find(root: Path | None = None, classes: Path | None = None) -> DataSet:
    """Return Cityscapes below ``root`` with the 19 classes.

    Raises:
        DataError: no root is given, a folder is missing, or ``classes`` is given.
    """
    training = dict(zip(CLASSES, PALETTE, strict=True))
    return cityscapes.find('cityscapes19', training, LABEL_MAP, BASE_SIZE, root, classes)
