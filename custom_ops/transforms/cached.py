"""Transforms that always give the same result for the same files, applied once and remembered."""

import hashlib
import inspect
import sys
from collections.abc import Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
from mmcv.transforms import BaseTransform, Compose
from mmseg.registry import TRANSFORMS

from .pixel_cache import PixelCache
from .sample import Sample

VERSIONED = ('onedl-mmcv', 'onedl-mmsegmentation', 'numpy', 'pillow')
"""Packages whose next release may decode or resize otherwise; OpenCV, which has many names, says its own version."""

OURS = f'{__name__.partition(".")[0]}.'
"""How the names of our own modules begin."""


@TRANSFORMS.register_module()
class CachedTransforms(BaseTransform):
    """Apply ``transforms``, which draw nothing at random, or read what they gave for these files before.

    Args:
        transforms: configs, from loading the files on.
        folder: where results are kept; a folder stands for one state of the files, so its name should hold a hash of
            their content. None computes each time.
        limit_gib: see ``PixelCache``.

    The result is that of ``transforms``, bit by bit. Its arrays are the sample's own to change.
    """

    def __init__(self, transforms: Sequence[dict], folder: str | None, limit_gib: float | None = None):
        self.transforms = Compose([TRANSFORMS.build(dict(one)) for one in transforms])
        self.cache = None
        if folder is not None:
            limit = None if limit_gib is None else int(limit_gib * 2**30)
            self.cache = PixelCache(Path(folder), _kind(transforms), limit)

    def transform(self, results: Sample) -> Sample:
        if self.cache is None:
            return self.transforms(results)
        name = _name(results)
        found = self.cache.read(name)
        if found is None:
            return self._compute(results, name)
        arrays, values = found
        return {**results, **values, **arrays}

    def _compute(self, results: Sample, name: str) -> Sample:
        # Transforms add to the list of label maps in place.
        before = {**results, 'seg_fields': list(results.get('seg_fields', ()))}
        made = self.transforms(results)
        new = {key: value for key, value in made.items() if _changed(before, key, value)}
        arrays = {key: value for key, value in new.items() if isinstance(value, np.ndarray)}
        values = {key: value for key, value in new.items() if key not in arrays}
        assert self.cache is not None
        self.cache.write(name, arrays, values)
        return made


def _changed(before: Mapping[str, Any], key: str, value: Any) -> bool:
    if key not in before:
        return True
    old = before[key]
    return old is not value if isinstance(value, np.ndarray) else old != value


def _name(results: Sample) -> str:
    """Return a name for all that the transforms read of a sample."""
    read = [results.get(key) for key in ('img_path', 'seg_map_path', 'label_map', 'reduce_zero_label')]
    return hashlib.sha256(repr(read).encode()).hexdigest()[:32]


def _kind(transforms: Sequence[dict]) -> str:
    """Return a name for what the transforms do, and for what does it: packages, and the modules of ours."""
    import cv2

    versions = [metadata.version(name) for name in VERSIONED]
    modules = {TRANSFORMS.get(one['type']).__module__ for one in transforms}
    ours = [inspect.getsource(sys.modules[name]) for name in sorted(modules) if name.startswith(OURS)]
    said = repr(([sorted(dict(one).items()) for one in transforms], versions, cv2.__version__, ours))
    return hashlib.sha256(said.encode()).hexdigest()[:16]
