"""Where a run's images come from and how they are prepared: mmengine's loaders and the toolbox's pipelines. Pure."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bench import budgets, sizes
from bench.errors import PlanError
from bench.records import DataSet, Size


def train_size(protocol: Mapping[str, Any], image: Size) -> Size:
    """Return the (H, W) of a training input when whole images have size ``image``."""
    view = protocol['train_view']
    if view['kind'] == 'whole':
        return image
    return sizes.crop_size(tuple(view['size']), view['short_side'], image, protocol['stride'])


def train_loader(
    protocol: Mapping[str, Any], size: Size, dataset: DataSet, pairs: Path, batch: int, device: str
) -> dict[str, Any]:
    """Return the loader of the pairs listed in ``pairs``, ``batch`` samples at a time, images of ``size``."""
    workers = _workers(device)
    return {
        'batch_size': batch,
        'num_workers': workers,
        'persistent_workers': workers > 0,
        'sampler': {'type': 'InfiniteSampler', 'shuffle': True},
        'dataset': _source(dataset, pairs, _train_pipeline(protocol, size)),
    }


def scoring_loader(
    size: Size, dataset: DataSet, split: str, pairs: Path, limit: int | None, device: str
) -> dict[str, Any]:
    """Return the loader that scores ``split``: its images of ``size`` one by one, ``limit`` of them spread evenly."""
    workers = _workers(device)
    indices = budgets.spread(limit, len(dataset.splits[split]))
    return {
        'batch_size': 1,
        'num_workers': workers,
        'persistent_workers': workers > 0,
        'sampler': {'type': 'DefaultSampler', 'shuffle': False},
        'dataset': {**_source(dataset, pairs, _test_pipeline(size), indices), 'test_mode': True},
    }


def _workers(device: str) -> int:
    return 4 if device.startswith('cuda') else 0


def _source(
    dataset: DataSet, pairs: Path, pipeline: list[dict[str, Any]], indices: list[int] | None = None
) -> dict[str, Any]:
    return {
        'type': 'PairListDataset',
        'data_root': str(dataset.root),
        'ann_file': str(pairs),
        'metainfo': {'classes': list(dataset.classes), 'palette': [list(c) for c in dataset.palette]},
        'label_map': [[stored, value] for stored, value in sorted(dataset.label_map.items())],
        'indices': indices,
        'pipeline': pipeline,
    }


def _train_pipeline(protocol: Mapping[str, Any], size: Size) -> list[dict[str, Any]]:
    view, (height, width) = protocol['train_view'], size
    whole = {'type': 'Resize', 'scale': (width, height), 'keep_ratio': False}
    geometry: list[dict[str, Any]] = [whole]
    if view['kind'] == 'crop':
        if view.get('scale'):
            low, high = view['scale']
            geometry = [
                {'type': 'RandomResize', 'scale': (width, height), 'ratio_range': (low, high), 'keep_ratio': True}
            ]
        geometry += _crop(view['how'], train_size(protocol, size), view.get('cat_max_ratio', 1.0))
    augment = [plain(one) for one in protocol['augment']]
    return [{'type': 'LoadImageFromFile'}, {'type': 'LoadAnnotations'}, *geometry, *augment, {'type': 'PackSegInputs'}]


def _crop(how: str, size: Size, cat_max_ratio: float) -> list[dict[str, Any]]:
    centre, five = ({'type': kind, 'size': size} for kind in ('CentreCrop', 'FiveCrop'))
    if how == 'centre':
        return [centre]
    if how == 'five':
        return [five]
    if how == 'five_rotated':
        # A sixth crop is the centre of the rotated image: at 30 degrees it stays clear of the black corners.
        rotated = [{'type': 'RandomRotate', 'prob': 1.0, 'degree': 30.0}, centre]
        return [{'type': 'RandomChoice', 'transforms': [[five], rotated], 'prob': [5 / 6, 1 / 6]}]
    if how != 'random':
        raise PlanError(f'unknown crop {how!r}: choose from random, centre, five, five_rotated')
    # An image that was rescaled below the crop is padded first; the toolbox gives pads as width and height.
    pad = {'type': 'Pad', 'size': (size[1], size[0]), 'pad_val': {'img': 0, 'seg': 255}}
    limit = {} if cat_max_ratio == 1.0 else {'cat_max_ratio': cat_max_ratio}
    return [pad, {'type': 'RandomCrop', 'crop_size': size, **limit}]


def _test_pipeline(size: Size) -> list[dict[str, Any]]:
    height, width = size
    # The label is loaded after the resize: scores are counted at its own resolution.
    return [
        {'type': 'LoadImageFromFile'},
        {'type': 'Resize', 'scale': (width, height), 'keep_ratio': False},
        {'type': 'LoadAnnotations'},
        {'type': 'PackSegInputs'},
    ]


def plain(node: Any) -> Any:
    """Return ``node`` with mmengine's config types replaced by dicts, lists and tuples."""
    if isinstance(node, Mapping):
        return {key: plain(value) for key, value in node.items()}
    if isinstance(node, (list, tuple)):
        return type(node)(plain(item) for item in node)
    return node
