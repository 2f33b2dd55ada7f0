"""``cityscapes20``: Cityscapes with the 19 classes that hierarchical_attention chose, and "unknown" for all the rest.

Value 0 is unknown, which is trained and scored; 1 to 19 are the chosen labels in the order that the report lists them.
They are not those of the benchmark: parking, static, ground and dynamic are in, traffic light, rider, train and
motorcycle are unknown. No pixel is ignored.
Base size 512x1024: the report states none, and this is half of the photographs'; ``--size 1024x2048`` is their own.
"""

from pathlib import Path

from bench.data_sets import cityscapes, cityscapes_labels
from bench.records import DataSet

UNKNOWN = 0
CHOSEN = (
    'road', 'sidewalk', 'parking', 'building', 'fence', 'wall', 'vegetation', 'terrain', 'car', 'bicycle', 'bus',
    'truck', 'sky', 'person', 'pole', 'traffic sign', 'static', 'ground', 'dynamic',
)  # fmt: skip
CLASSES = ('unknown', *CHOSEN)
# The official colour of static is black; white sets unknown apart from it.
PALETTE = ((255, 255, 255), *cityscapes_labels.colours(CHOSEN))
LABEL_MAP = cityscapes_labels.label_map({name: k for k, name in enumerate(CHOSEN, start=1)}, UNKNOWN)
BASE_SIZE = (512, 1024)
SUMMARY = 'Cityscapes, 19 chosen classes and "unknown" as a class (2975 train, 500 val)'
OBTAIN = cityscapes.obtain('cityscapes20')
ARCHIVES = cityscapes.ARCHIVES
sequence = cityscapes.sequence


def find(root: Path | None = None, classes: Path | None = None) -> DataSet:
    """Return Cityscapes below ``root`` with unknown and the 19 chosen classes.

    Raises:
        DataError: no root is given, a folder is missing, or ``classes`` is given.
    """
    training = dict(zip(CLASSES, PALETTE, strict=True))
    return cityscapes.find('cityscapes20', training, LABEL_MAP, BASE_SIZE, root, classes)
