"""The label ids of Cityscapes, which KITTI's semantic labels use too: names and colours, and maps to training values.

Source: the benchmark's own label table (ids 0 to 33). Licence plates have id -1 there and are never drawn.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

IGNORED = 255
Colour = tuple[int, int, int]


class Label(NamedTuple):
    """One row of the table; its position there is the value stored in ``*_gtFine_labelIds.png``."""

    name: str
    colour: Colour


LABELS = (
    Label('unlabeled', (0, 0, 0)),
    Label('ego vehicle', (0, 0, 0)),
    Label('rectification border', (0, 0, 0)),
    Label('out of roi', (0, 0, 0)),
    Label('static', (0, 0, 0)),
    Label('dynamic', (111, 74, 0)),
    Label('ground', (81, 0, 81)),
    Label('road', (128, 64, 128)),
    Label('sidewalk', (244, 35, 232)),
    Label('parking', (250, 170, 160)),
    Label('rail track', (230, 150, 140)),
    Label('building', (70, 70, 70)),
    Label('wall', (102, 102, 156)),
    Label('fence', (190, 153, 153)),
    Label('guard rail', (180, 165, 180)),
    Label('bridge', (150, 100, 100)),
    Label('tunnel', (150, 120, 90)),
    Label('pole', (153, 153, 153)),
    Label('polegroup', (153, 153, 153)),
    Label('traffic light', (250, 170, 30)),
    Label('traffic sign', (220, 220, 0)),
    Label('vegetation', (107, 142, 35)),
    Label('terrain', (152, 251, 152)),
    Label('sky', (70, 130, 180)),
    Label('person', (220, 20, 60)),
    Label('rider', (255, 0, 0)),
    Label('car', (0, 0, 142)),
    Label('truck', (0, 0, 70)),
    Label('bus', (0, 60, 100)),
    Label('caravan', (0, 0, 90)),
    Label('trailer', (0, 0, 110)),
    Label('train', (0, 80, 100)),
    Label('motorcycle', (0, 0, 230)),
    Label('bicycle', (119, 11, 32)),
)


def ids(names: Sequence[str]) -> tuple[int, ...]:
    """Return the label ids of ``names``, in their order.

    Raises:
        KeyError: a name is not in the table.
    """
    by_name = {label.name: value for value, label in enumerate(LABELS)}
    return tuple(by_name[name] for name in names)


def colours(names: Sequence[str]) -> tuple[Colour, ...]:
    """Return the official colours of ``names``, in their order."""
    return tuple(LABELS[value].colour for value in ids(names))


def label_map(training: Mapping[str, int], rest: int) -> dict[int, int]:
    """Return {label id: training value} for every id of the table; names that ``training`` lacks become ``rest``.

    All ids are named, because a stored value that a label map leaves out would keep its own value and turn into
    whatever class has that number.
    """
    ids(tuple(training))
    return {value: training.get(label.name, rest) for value, label in enumerate(LABELS)}
