"""``cityscapes29``: Cityscapes with the 29 colour classes of squeeze_edge's program, one of them "neutral".

The program tells classes apart by the colours of the label pictures: pole groups have the colour of poles and are
poles, black (static included) and whatever matches no colour is neutral, which is trained and scored. Read from label
ids, as here, no pixel is ignored and none is blurred: the program also resized the pictures with interpolation, which
turned the seams between classes neutral.
Base size 512x912, the largest of the report's three (128x224, 256x448, 512x912).
"""

from pathlib import Path

from bench.data_sets import cityscapes, cityscapes_labels
from bench.records import DataSet

CLASSES = (
    'road', 'vegetation', 'building', 'neutral', 'car', 'sidewalk', 'parking', 'traffic sign', 'person', 'rider',
    'sky', 'dynamic', 'bicycle', 'rail track', 'ground', 'fence', 'traffic light', 'truck', 'motorcycle', 'bus',
    'train', 'terrain', 'trailer', 'pole', 'tunnel', 'caravan', 'guard rail', 'wall', 'bridge',
)  # fmt: skip
NEUTRAL = CLASSES.index('neutral')
PALETTE = tuple((0, 0, 0) if name == 'neutral' else cityscapes_labels.colours([name])[0] for name in CLASSES)
LABEL_MAP = cityscapes_labels.label_map(
    {name: k for k, name in enumerate(CLASSES) if k != NEUTRAL} | {'polegroup': CLASSES.index('pole')}, NEUTRAL
)
BASE_SIZE = (512, 912)
SUMMARY = 'Cityscapes, 29 colour classes with "neutral" as one (2975 train, 500 val)'
OBTAIN = cityscapes.obtain('cityscapes29')
ARCHIVES = cityscapes.ARCHIVES
sequence = cityscapes.sequence


def find(root: Path | None = None, classes: Path | None = None) -> DataSet:
    """Return Cityscapes below ``root`` with the 29 colour classes.

    Raises:
        DataError: no root is given, a folder is missing, or ``classes`` is given.
    """
    training = dict(zip(CLASSES, PALETTE, strict=True))
    return cityscapes.find('cityscapes29', training, LABEL_MAP, BASE_SIZE, root, classes)
