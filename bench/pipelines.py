"""Where a run's images come from and how they are prepared: mmengine's loaders and the toolbox's pipelines. Pure."""

from collections.abc import Mapping, Sequence
from itertools import takewhile
from pathlib import Path
from typing import Any

from bench import amounts, sizes
from bench.errors import PlanError
from bench.records import DataSet, Size

FIXED = ('LoadImageFromFile', 'LoadAnnotations', 'Resize', 'CentreCrop')
"""Transforms that give the same result for the same files."""

QUICK = {
    'PackSegInputs': 'PackPixels',
    'PhotoMetricDistortion': 'QuickPhotoMetricDistortion',
    'RandomCrop': 'QuickRandomCrop',
    'RandomFlip': 'QuickRandomFlip',
}
"""The toolbox's transforms and ours that draw the same numbers and make the same pixels, faster."""


COMMON = 'SegDataPreProcessor'
ON_DEVICE = ('PhotoMetricDistortion', 'RGBShift', 'RandomFlip', 'RandomGaussianBlur', 'RandomSharpness')
"""Transforms that a GPU draws and applies to whole batches; see ``custom_ops.preprocessors``."""


def image_sizes(protocol: Mapping[str, Any], dataset: str, base_size: Size, size: Size) -> tuple[Size, Size]:
    """Return the (H, W) of whole images in training and in scoring, in a run of ``size`` on ``dataset``.

    Where the experiment is documented on that data set and ``size`` is its base size, these are the documented ones;
    everything else is trained and scored at ``size``.
    """
    if protocol['dataset'] != dataset or size != base_size:
        return size, size
    shown, scored = protocol['train_view'], protocol['test_view']
    tested: Size = tuple(scored['size']) if scored['kind'] == 'whole' else size
    return tuple(shown['size']) if shown['kind'] == 'whole' else tested, tested


def train_size(protocol: Mapping[str, Any], image: Size) -> Size:
    """Return the (H, W) of a training input when whole images have size ``image``."""
    view = protocol['train_view']
    if view['kind'] == 'whole':
        return image
    return sizes.crop_size(tuple(view['size']), view['short_side'], image, protocol['stride'])


def train_loader(
    protocol: Mapping[str, Any],
    size: Size,
    dataset: DataSet,
    pairs: Path,
    batch: int,
    device: str,
    pixels: Path | None,
    seed: int = 0,
) -> dict[str, Any]:
    """Return the loader of the pairs listed in ``pairs``, ``batch`` samples at a time, images of ``size``.

    ``pixels`` is the folder that remembers decoded images and labels of this state of the data set (None: nowhere).
    ``seed`` is that of its workers, where there are any.
    """
    loading = _loading(device)
    if loading['num_workers']:
        loading['worker_init_fn'] = {'type': 'seed_worker', 'seed': seed}
    return {
        'batch_size': batch,
        **loading,
        'sampler': {'type': 'InfiniteSampler', 'shuffle': True},
        'dataset': _source(dataset, pairs, _remembered(_train_pipeline(protocol, size), pixels)),
    }


def scoring_loader(
    size: Size, dataset: DataSet, split: str, pairs: Path, limit: int | None, device: str, pixels: Path | None
) -> dict[str, Any]:
    """Return the loader that scores ``split``: its images of ``size`` one by one, ``limit`` of them spread evenly."""
    indices = amounts.spread(limit, len(dataset.splits[split]))
    return {
        'batch_size': 1,
        **_loading(device),
        'sampler': {'type': 'DefaultSampler', 'shuffle': False},
        'dataset': {**_source(dataset, pairs, _remembered(_test_pipeline(size), pixels), indices), 'test_mode': True},
    }


def split_augment(
    augment: Sequence[Mapping[str, Any]], stated: Mapping[str, Any], device: str
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return the transforms for single samples, and the last ones, which a GPU applies to whole batches.

    ``stated`` is the model's data preprocessor; another than the toolbox's common one takes no batch transforms.
    """
    steps = [plain(step) for step in augment]
    if not device.startswith('cuda') or stated['type'] != COMMON:
        return steps, []
    moved = len(list(takewhile(_fits_device, reversed(steps))))
    return steps[: len(steps) - moved], steps[len(steps) - moved :]


def _fits_device(step: Mapping[str, Any]) -> bool:
    # A list of directions or labels to be swapped are the toolbox's alone.
    return step['type'] in ON_DEVICE and not isinstance(step.get('direction'), list) and 'swap_seg_labels' not in step


def preprocessor(stated: Mapping[str, Any], augment: Sequence[Mapping[str, Any]] = ()) -> dict[str, Any]:
    """Return a model's data preprocessor: for the toolbox's common one ours, which gives the same values.

    ``augment`` are the transforms that it applies to training batches.
    """
    made = plain(stated)
    if made['type'] != COMMON:
        return made
    return {**made, 'type': 'BatchPreProcessor', **({'augment': list(augment)} if augment else {})}


def as_the_toolbox(node: Any) -> Any:
    """Return loaders that make batches as the toolbox does, for another data preprocessor than its common one."""
    plainer = {'PackPixels': 'PackSegInputs', 'collate_pixels': 'pseudo_collate'}
    if isinstance(node, Mapping):
        return {key: plainer.get(item, item) if key == 'type' else as_the_toolbox(item) for key, item in node.items()}
    return [as_the_toolbox(item) for item in node] if isinstance(node, list) else node


def images_only(pipeline: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return ``pipeline`` for images that have no labels and that may change: nothing of them is remembered."""
    steps: list[dict[str, Any]] = []
    for step in pipeline:
        steps += [dict(one) for one in (step['transforms'] if step['type'] == 'CachedTransforms' else [step])]
    return [step for step in steps if step['type'] != 'LoadAnnotations']


def _loading(device: str) -> dict[str, Any]:
    """Return how batches are made: beside a GPU's work by workers that pin them, on a CPU in the run's own process."""
    cuda = device.startswith('cuda')
    return {
        'num_workers': 4 if cuda else 0,
        'persistent_workers': cuda,
        'pin_memory': cuda,
        'collate_fn': {'type': 'collate_pixels'},
    }


def _remembered(pipeline: list[dict[str, Any]], pixels: Path | None) -> list[dict[str, Any]]:
    """Join the steps before the first one that draws; labels that are loaded last stay apart, images do without."""
    if pixels is None:
        return pipeline
    fixed = list(takewhile(lambda step: step['type'] in FIXED, pipeline))
    last = len(fixed) - (fixed[-1]['type'] == 'LoadAnnotations')
    groups = [group for group in (fixed[:last], fixed[last:]) if group]
    cached = [{'type': 'CachedTransforms', 'transforms': group, 'folder': str(pixels)} for group in groups]
    return [*cached, *pipeline[len(fixed) :]]


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
    return quick(
        [{'type': 'LoadImageFromFile'}, {'type': 'LoadAnnotations'}, *geometry, *augment, {'type': 'PackSegInputs'}]
    )


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
    return quick(
        [
            {'type': 'LoadImageFromFile'},
            {'type': 'Resize', 'scale': (width, height), 'keep_ratio': False},
            {'type': 'LoadAnnotations'},
            {'type': 'PackSegInputs'},
        ]
    )


def quick(node: Any) -> Any:
    """Return transforms, also those within others, with the toolbox's slow ones replaced; see ``QUICK``."""
    if isinstance(node, Mapping):
        return {key: QUICK.get(item, item) if key == 'type' else quick(item) for key, item in node.items()}
    if isinstance(node, (list, tuple)):
        return type(node)(quick(item) for item in node)
    return node


def plain(node: Any) -> Any:
    """Return ``node`` with mmengine's config types replaced by dicts, lists and tuples."""
    if isinstance(node, Mapping):
        return {key: plain(value) for key, value in node.items()}
    if isinstance(node, (list, tuple)):
        return type(node)(plain(item) for item in node)
    return node
