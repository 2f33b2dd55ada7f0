"""Label single images with a trained network, as an evaluation would: same preparation, same precision, same windows.

H x W is an image's own size, K the number of classes.
"""

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import mmcv
import numpy as np
import torch
from mmengine.config import Config
from mmengine.dataset import Compose, pseudo_collate
from mmengine.registry import DefaultScope
from mmseg.registry import DATASETS, MODELS
from numpy.typing import NDArray
from torch import nn

import custom_ops  # noqa: F401  (fills the registry)
from bench import checkpoints
from bench.data_sets.folder import distinct_colours
from bench.errors import DataError, PlanError
from bench.measure import latency, memory
from bench.own import fitting, views, windows
from bench.own.translate import for_one_device
from bench.pipelines import images_only
from bench.records import Precision, Size
from bench.running import layout

Colours = tuple[tuple[int, int, int], ...]
PACKING = ('PackSegInputs', 'PackPixels')
RESIZES = ('Resize', 'ResizeShortestEdge', 'RandomResize')


@dataclass(frozen=True)
class Labeller:
    """A network with its weights; ``classes`` and ``palette`` belong to the label values 0 to K - 1."""

    model: nn.Module
    prepare: Callable[[dict[str, Any]], dict[str, Any]]
    classes: tuple[str, ...]
    palette: Colours
    precision: Precision

    def __call__(self, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Return the class of every pixel, [H, W], of an image [H, W, 3] in BGR.

        Raises:
            PlanError: the network does not take the size that its pipeline makes of the image.
        """
        device = next(self.model.parameters()).device
        height, width = image.shape[:2]
        with torch.inference_mode(), latency.precision_context(device, self.precision):
            try:
                [sample] = self.model.test_step(pseudo_collate([self.prepare({'img': image})]))
            except (AssertionError, RuntimeError, ValueError) as error:
                if memory.ran_out(error):
                    raise
                reason = str(error).partition('\n')[0] or type(error).__name__
                raise PlanError(
                    f'the network does not take an image of {height}x{width}: {reason}; try --size'
                ) from None
        return sample.pred_sem_seg.data[0].to('cpu', torch.uint8).numpy()


def decode(content: bytes) -> NDArray[np.uint8]:
    """Return an image's pixels as training reads them: BGR [H, W, 3], upright."""
    return mmcv.imfrombytes(content)


def load(
    config_file: Path,
    checkpoint: Path,
    *,
    size: Size | None = None,
    device: str = 'cpu',
    precision: Precision = 'fp32',
    classes: Sequence[str] = (),
) -> Labeller:
    """Return the network of a config with the weights of a checkpoint.

    Args:
        config_file: the resolved config of a run, or any mmseg text config.
        size: images are resized to it, their labels back to their own; None: as the config prepares test images.
        classes: names to take instead of those that the config or the checkpoint states.

    Raises:
        DataError: the checkpoint is none, or not of this network.
        PlanError: the config cannot be read or built, or has another number of classes.
    """
    config = fitting.read_config(config_file)
    stored = checkpoints.read(checkpoint)
    with DefaultScope.overwrite_default_scope('mmseg'), warnings.catch_warnings():
        warnings.simplefilter('ignore')
        model = _build(config)
        prepare = Compose(_preparation(config, size))
    reason = checkpoints.misfit(model, stored.state)
    if reason:
        raise DataError(f'{checkpoint} is no checkpoint of {config_file}: {reason}')
    model.load_state_dict(dict(stored.state), strict=False)
    layout.bring(model.to(device).eval(), layout.choose(model, device, precision))
    names, palette = _classes(config, stored, _count(model), classes)
    return Labeller(model, prepare, names, palette, precision)


def _build(config: Config) -> nn.Module:
    model = for_one_device(config.get('model'), [])
    model.setdefault('data_preprocessor', for_one_device(config.get('data_preprocessor'), []))
    windows.batch(model, config, views.padded_to(config))
    with fitting.explained('cannot be built'):
        return MODELS.build(Config({'model': model}).model)


def _preparation(config: Config, size: Size | None) -> list[dict[str, Any]]:
    dataset = (config.get('test_dataloader') or {}).get('dataset') or {}
    steps = images_only(dataset.get('pipeline') or config.get('test_pipeline') or [])
    # The image is at hand, and there is no label.
    kept = [step for step in steps if 'Load' not in step['type'] and step['type'] not in PACKING]
    if size is not None:
        resize = {'type': 'Resize', 'scale': (size[1], size[0]), 'keep_ratio': False}
        kept = [resize, *(step for step in kept if step['type'] not in RESIZES)]
    return [{'type': 'LoadImageFromNDArray'}, *kept, {'type': 'PackSegInputs'}]


def _count(model: nn.Module) -> int:
    outputs = int(getattr(model, 'out_channels', 0) or getattr(model, 'num_classes', 0))
    return 2 if outputs == 1 else outputs


def _classes(
    config: Config, stored: checkpoints.Stored, count: int, given: Sequence[str]
) -> tuple[tuple[str, ...], Colours]:
    """Return names and colours of ``count`` classes: given, the config's, the checkpoint's, a known data set's."""
    if given and len(given) != count:
        raise PlanError(f'--classes names {len(given)} classes, the network predicts {count}')
    dataset = (config.get('test_dataloader') or {}).get('dataset') or {}
    known = DATASETS.get(str(dataset.get('type')))
    stated: list[Mapping[str, Any]] = [
        dataset.get('metainfo') or {},
        {'classes': stored.classes, 'palette': stored.palette},
        getattr(known, 'METAINFO', {}),
    ]
    fitting_ones = [one for one in stated if len(one.get('classes') or ()) == count]
    names = tuple(given) or tuple(fitting_ones[0]['classes'] if fitting_ones else map(str, range(count)))
    palettes = [one['palette'] for one in fitting_ones if len(one.get('palette') or ()) == count]
    palette = palettes[0] if palettes else distinct_colours(count)
    return names, tuple((int(r), int(g), int(b)) for r, g, b in palette)
