"""Self-training: images that another run's model labels join the training images.

Source: hierarchical_attention, "Semi-supervised": hard labels, no threshold stated.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmcv.transforms import Compose
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmseg.registry import MODELS
from PIL import Image
from torch import nn

from bench import amounts, checkpoints, pipelines, store
from bench.errors import PlanError
from bench.measure.latency import precision_context
from bench.records import DataSet, Material
from bench.running.attempt import Attempt


def extend(attempt: Attempt, own: Material) -> tuple[Material, dict[str, Any]]:
    """Return ``own`` with the images that the protocol wants labelled by another run's model, and the block on them.

    The block ``auto_label`` has ``parent`` (the id of its run), ``split``, ``images``, ``threshold``, ``kept_share``
    (of the pixels; the others are ignored) and ``scored`` (whether these are the images that the run is scored on).
    Label maps are kept below ``training/auto_labels`` until the run has ended. Nothing happens where nothing is asked.

    Raises:
        PlanError: the data set has no such split.
    """
    wanted = attempt.protocol.auto_label
    if wanted is None:
        return own, {}
    dataset = own.dataset
    images = images_of(dataset, wanted.split, attempt.job.rule.test_images)
    folder = attempt.training / 'auto_labels'
    note = folder / 'pairs.txt'
    parent = attempt.parent(wanted.parent)
    if not note.exists():
        attempt.enter('auto-label')
        folder.mkdir(parents=True, exist_ok=True)
        _label(attempt, parent, images, dataset, folder, wanted.threshold)
    lines = Path(own.pair_lists['train']).read_text(encoding='utf-8')
    lines += ''.join(f'{image}\t{_target(folder, index)}\n' for index, image in enumerate(images))
    store.write_atomically(note, lines)
    kept = float(np.mean([kept_share(_target(folder, index), dataset) for index in range(len(images))]))
    block = {
        'parent': parent.relative_to(attempt.job.results).as_posix(),
        'split': wanted.split,
        'images': len(images),
        'threshold': wanted.threshold,
        'kept_share': round(kept, 6),
        'scored': set(images) <= {pair.image for pair in dataset.splits[dataset.test_split]},
    }
    pair_lists = {**own.pair_lists, 'train': note}
    return replace(own, pair_lists=pair_lists, added=len(images)), {'auto_label': block}


def images_of(dataset: DataSet, split: str, limit: int | None = None) -> list[str]:
    """Return the images of ``split``, paths below the root: those without labels where the data set keeps some.

    ``limit`` of them are spread evenly over all; None for every one.

    Raises:
        PlanError: there is no such split; names those there are.
    """
    if split == 'test' and dataset.unlabelled:
        images = list(dataset.unlabelled)
    else:
        split = dataset.test_split if split == 'test' else split
        if split not in dataset.splits:
            raise PlanError(f'{dataset.name} has no split {split!r} to label: choose from {", ".join(dataset.splits)}')
        images = [pair.image for pair in dataset.splits[split]]
    chosen = amounts.spread(limit, len(images))
    return images if chosen is None else [images[index] for index in chosen]


def stored_values(dataset: DataSet) -> np.ndarray:
    """Return a table [256] from training value to a label value that the data set reads as it, 255 for the rest."""
    table = np.full(256, 255, np.uint8)
    mapping = dataset.label_map
    read_as = {value: mapping.get(value, value) for value in range(256)}
    for trained in (*range(len(dataset.classes)), dataset.ignore_index):
        # Its own value where that is read as itself: a label map may send others to the same class.
        own = [trained] if read_as[trained] == trained else []
        table[trained] = (own + [stored for stored, value in read_as.items() if value == trained])[0]
    return table


def predict(model: nn.Module, pipeline: Compose, image: Path, threshold: float | None, ignore_index: int) -> np.ndarray:
    """Return the label map [H, W] uint8 of ``image`` at its own size; unsure pixels are ``ignore_index``.

    A pixel is unsure where the largest softmax probability is below ``threshold`` (None: never).
    """
    data = pipeline({'img_path': str(image)})
    with torch.inference_mode():
        sample = model.test_step({'inputs': [data['inputs']], 'data_samples': [data['data_samples']]})[0]
    labels = sample.pred_sem_seg.data[0].cpu().numpy().astype(np.uint8)
    if threshold is not None:
        sure = sample.seg_logits.data.float().softmax(0).amax(0).cpu().numpy()
        labels[sure < threshold] = ignore_index
    return labels


def _label(
    attempt: Attempt,
    parent: Path,
    images: Sequence[str],
    dataset: DataSet,
    folder: Path,
    threshold: float | None,
) -> None:
    job = attempt.job
    config = Config.fromfile(parent / 'config.py')
    init_default_scope('mmseg')
    model = MODELS.build(config.model)
    model.load_state_dict(checkpoints.read(parent / 'training' / 'last.pth').state)
    model.to(job.run.device).eval()
    pipeline = Compose(pipelines.images_only(config.test_dataloader.dataset.pipeline))
    table = stored_values(dataset)
    for index, image in enumerate(images):
        attempt.check('while labelling')
        with precision_context(job.run.device, job.run.precision):
            labels = predict(model, pipeline, dataset.root / image, threshold, dataset.ignore_index)
        Image.fromarray(table[labels]).save(_target(folder, index))
        attempt.report({'kind': 'score', 'image': index + 1, 'of': len(images)})


def _target(folder: Path, index: int) -> Path:
    return (folder / f'{index:05}.png').absolute()


def kept_share(file: Path, dataset: DataSet) -> float:
    """Return the share of the pixels of the label map ``file`` that the data set does not ignore."""
    with Image.open(file) as picture:
        stored = np.asarray(picture)
    mapping: Mapping[int, int] = dataset.label_map
    ignored = [value for value in range(256) if mapping.get(value, value) == dataset.ignore_index]
    return float(1 - np.isin(stored, ignored).mean())
