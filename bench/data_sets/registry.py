"""The data sets by name. Adding one: write ``bench/data_sets/<name>.py`` and add its line here.

Such a module has ``SUMMARY`` and ``OBTAIN`` (text), ``find(root, classes) -> DataSet`` and ``sequence(image) -> str``;
``ARCHIVES`` too, where it is handed out in archives that ``data.py`` unpacks.
"""

from importlib import import_module
from pathlib import Path
from types import ModuleType

from bench.data_sets.archive import Archive
from bench.errors import UnknownName
from bench.records import DataSet

MODULES = {
    'scenes': 'bench.data_sets.scenes',
    'camvid': 'bench.data_sets.camvid',
    'kitti': 'bench.data_sets.kitti',
    'cityscapes19': 'bench.data_sets.cityscapes19',
    'cityscapes20': 'bench.data_sets.cityscapes20',
    'cityscapes29': 'bench.data_sets.cityscapes29',
    'voc9': 'bench.data_sets.voc9',
    'folder': 'bench.data_sets.folder',
}
NAMES = tuple(MODULES)


def find(name: str, root: Path | None = None, classes: Path | None = None) -> DataSet:
    """Return the data set ``name`` as found on disk; its files are listed, not read.

    Args:
        name: one of ``NAMES``.
        root: its folder; ``scenes`` alone does without.
        classes: the class file of ``folder``.

    Raises:
        UnknownName: there is no such data set.
        DataError: its folder is not given, missing or incomplete; the message says how to get it.
    """
    return _module(name).find(root, classes)


def sequence(name: str, image: str) -> str:
    """Return the recording sequence that the file ``image`` of data set ``name`` belongs to."""
    return _module(name).sequence(image)


def summary(name: str) -> str:
    """Return one line that says what data set ``name`` is."""
    return _module(name).SUMMARY


def how_to_obtain(name: str) -> str:
    """Return the steps that bring data set ``name`` onto this machine."""
    return _module(name).OBTAIN


def archives(name: str) -> tuple[Archive, ...]:
    """Return the official archives of data set ``name``; none for those that come otherwise."""
    return getattr(_module(name), 'ARCHIVES', ())


def _module(name: str) -> ModuleType:
    if name not in MODULES:
        raise UnknownName('data set', name, NAMES)
    return import_module(MODULES[name])
