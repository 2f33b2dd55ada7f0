"""What a training pipeline of mmseg shows the network: resize, crop, then the other transforms. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bench.errors import PlanError
from bench.pipelines import plain
from bench.records import Size

LOADING = ('LoadImageFromFile', 'LoadAnnotations', 'PackSegInputs')
"""Replaced by the data set's own: they say where files are and what label values mean."""

RESIZING = ('RandomResize', 'Resize', 'RandomChoiceResize')
SEVERAL_IMAGES = ('RandomMosaic', 'RandomCutMix', 'RandomDepthMix')


@dataclass(frozen=True)
class View:
    """``train`` as a protocol's ``train_view``, ``augment`` the transforms after it, ``documented`` the (H, W) of one
    training input as the config states it."""

    train: dict[str, Any]
    augment: list[dict[str, Any]]
    documented: Size


def pipeline_of(config: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the training pipeline of a config, also from within a repeated or joined data set; empty if none."""
    node = (config.get('train_dataloader') or {}).get('dataset') or {}
    while not node.get('pipeline') and (node.get('dataset') or node.get('datasets')):
        node = node.get('dataset') or node['datasets'][0]
    return plain(node.get('pipeline') or config.get('train_pipeline') or [])


def repeats(config: Mapping[str, Any]) -> int:
    """Return how often an epoch shows each training image."""
    node = (config.get('train_dataloader') or {}).get('dataset') or {}
    return int(node['times']) if node.get('type') == 'RepeatDataset' else 1


def read(pipeline: Sequence[Mapping[str, Any]], config: Mapping[str, Any], image: Size, notes: list[str]) -> View:
    """Return the view of ``pipeline``; ``image`` is the run's size, taken where the config states none.

    Raises:
        PlanError: a transform reads something else than an image and a label, or joins several images.
    """
    resize, crop = None, None
    augment: list[dict[str, Any]] = []
    for step in pipeline:
        kind = step['type']
        if kind in SEVERAL_IMAGES or (kind not in LOADING and 'Load' in kind):
            raise PlanError(f'transform {kind!r}: a sample is one image file and one label file; leave it out')
        if kind in RESIZING:
            resize = step
        elif kind == 'RandomCrop':
            crop = step
            if augment:
                notes.append(f'{augment[-1]["type"]} comes after the crop, not before it')
        elif kind not in (*LOADING, 'Pad'):
            augment.append(dict(step))
    whole = _scale(resize) or test_size(config)
    if crop is None:
        documented = whole or padded_to(config) or image
        if resize is not None and resize['type'] != 'Resize':
            notes.append(f'{resize["type"]} without a crop: images are resized to one size')
        return View({'kind': 'whole', 'size': documented}, augment, documented)
    size = pair(crop['crop_size'])
    base = min(whole or image)
    train = {'kind': 'crop', 'size': size, 'short_side': base, 'how': 'random', 'scale': _range(resize, base, notes)}
    return View({**train, 'cat_max_ratio': crop.get('cat_max_ratio', 1.0)}, augment, size)


def pair(size: int | Sequence[int]) -> Size:
    """Return (H, W) of a side or of two."""
    return (size, size) if isinstance(size, int) else (int(size[0]), int(size[1]))


def _scale(step: Mapping[str, Any] | None) -> Size | None:
    """Return the (H, W) that a resize makes whole images; the toolbox's (width, height) may be swapped by hand."""
    scale = (step or {}).get('scale')
    if not isinstance(scale, (list, tuple)) or len(scale) != 2 or not all(isinstance(side, int) for side in scale):
        return None
    return int(scale[1]), int(scale[0])


def test_size(config: Mapping[str, Any]) -> Size | None:
    """Return the (H, W) that a config's own test images are resized to; None where they are not, or to no one size."""
    for key in ('test_dataloader', 'val_dataloader'):
        pipeline = ((config.get(key) or {}).get('dataset') or {}).get('pipeline') or []
        found = next((step for step in pipeline if step['type'] == 'Resize'), None)
        if found is not None:
            return _scale(found)
    return None


def padded_to(config: Mapping[str, Any]) -> Size | None:
    """Return the (H, W) that training inputs are padded to, by custom that of the crops; None where none is stated."""
    preprocessor = config['model'].get('data_preprocessor') or config.get('data_preprocessor') or {}
    return pair(preprocessor['size']) if preprocessor.get('size') else None


def _range(resize: Mapping[str, Any] | None, base: int, notes: list[str]) -> tuple[float, float] | None:
    """Return the lowest and the highest factor on whole images, None where they have one size."""
    if resize is None or resize['type'] == 'Resize':
        return None
    if resize.get('ratio_range'):
        low, high = resize['ratio_range']
        return float(low), float(high)
    short = [side if isinstance(side, int) else min(side) for side in resize.get('scales') or resize['scale']]
    notes.append(f'short sides of {min(short)} to {max(short)} are drawn evenly, on images of {base}')
    return min(short) / base, max(short) / base
