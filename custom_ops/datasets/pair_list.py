"""A data set given as a list of image and label files, for any directory layout."""

import os.path
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mmseg.datasets import BaseSegDataset
from mmseg.registry import DATASETS

LabelMap = Mapping[int, int] | Sequence[Sequence[int]]


def parse_pairs(text: str, source: str) -> list[tuple[str, str]]:
    """Return the (image, label) paths of a list with one ``image<TAB>label`` line per pair.

    Raises:
        ValueError: a line is not two paths with a tab between them, or there is no line; ``source`` names the list.
    """
    pairs = []
    # Not ``splitlines``: a file name may hold what Unicode takes for the end of a line.
    for number, line in enumerate(text.rstrip('\n').split('\n') if text else (), start=1):
        parts = line.split('\t')
        if len(parts) != 2 or not all(part.strip() for part in parts):
            raise ValueError(f'{source}, line {number}: {line!r} is not image<TAB>label')
        pairs.append((parts[0], parts[1]))
    if not pairs:
        raise ValueError(f'{source} lists no image<TAB>label pairs')
    return pairs


def parse_label_map(label_map: LabelMap | None) -> dict[int, int] | None:
    """Return {stored value: training value} from a mapping or a list of [stored, training] pairs.

    The list is the form for config files: a config that was dumped to JSON has text where a mapping had numbers.

    Raises:
        ValueError: an entry is not a pair of whole numbers from 0 to 255.
    """
    if label_map is None:
        return None
    entries = list(label_map.items() if isinstance(label_map, Mapping) else label_map)
    parsed = {}
    for entry in entries:
        try:
            stored, used = (int(value) for value in entry)
        except (TypeError, ValueError):
            raise ValueError(f'label_map entry {entry!r} is not a pair [stored value, training value]') from None
        if not (0 <= stored <= 255 and 0 <= used <= 255):
            raise ValueError(f'label_map entry {entry!r}: label values run from 0 to 255')
        parsed[stored] = used
    return parsed


@DATASETS.register_module()
class PairListDataset(BaseSegDataset):
    """Images and labels named by a text file.

    Args:
        ann_file: the list, one ``image<TAB>label`` line per pair; absolute, or relative to ``data_root``.
        data_root: folder that the listed paths are relative to.
        metainfo: ``classes`` and ``palette``.
        label_map: how stored label values turn into training values: ``[[11, 255]]`` (or ``{11: 255}``) ignores 11.
            Values it does not name stay as they are.
        kwargs: as for mmseg's ``BaseSegDataset``; its name suffixes and ``data_prefix`` have no effect here.

    Raises:
        ValueError: the list or ``label_map`` is malformed.
        FileNotFoundError: there is no such list.
    """

    def __init__(self, ann_file: str, label_map: LabelMap | None = None, **kwargs: Any) -> None:
        # The parent loads the list from within its constructor.
        self._stored_to_training = parse_label_map(label_map)
        super().__init__(ann_file=ann_file, **kwargs)
        self.label_map = self._stored_to_training
        self._metainfo['label_map'] = self._stored_to_training

    def load_data_list(self) -> list[dict[str, Any]]:
        """Return one record per listed pair, in the order of the list."""
        pairs = parse_pairs(Path(self.ann_file).read_text(encoding='utf-8'), self.ann_file)
        return [
            {
                'img_path': os.path.join(self.data_root or '', image),
                'seg_map_path': os.path.join(self.data_root or '', label),
                'label_map': self._stored_to_training,
                'reduce_zero_label': self.reduce_zero_label,
                'seg_fields': [],
            }
            for image, label in pairs
        ]
