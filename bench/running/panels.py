"""Write an image, its truth and its prediction side by side with the palette of the data set."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from bench.records import DataSet

MAX_WIDTH = 512


def write(folder: Path, image_path: str, truth: torch.Tensor, prediction: torch.Tensor, dataset: DataSet) -> None:
    """Store ``<stem>_image.jpg``, ``<stem>_truth.png`` and ``<stem>_prediction.png`` in ``folder``.

    ``truth`` and ``prediction`` are label maps [H, W]; all three files have the label's size, at most 512 wide.
    Ignored pixels of the truth are black.
    """
    folder.mkdir(parents=True, exist_ok=True)
    size = panel_size(truth.shape)
    stem = Path(image_path).stem
    with Image.open(image_path) as image:
        image.convert('RGB').resize(size, Image.Resampling.BILINEAR).save(folder / f'{stem}_image.jpg', quality=90)
    for name, labels in (('truth', truth), ('prediction', prediction)):
        colours = Image.fromarray(colour(labels.cpu().numpy(), dataset))
        colours.resize(size, Image.Resampling.NEAREST).save(folder / f'{stem}_{name}.png')


def panel_size(shape: Sequence[int]) -> tuple[int, int]:
    """Return width and height of the pictures of a label map of ``shape`` (H, W)."""
    height, width = shape
    scale = min(1.0, MAX_WIDTH / width)
    return round(width * scale), round(height * scale)


def colour(labels: np.ndarray, dataset: DataSet) -> np.ndarray:
    """Return the RGB picture [H, W, 3], uint8, of a label map [H, W]; values without a class are black."""
    table = np.zeros((256, 3), np.uint8)
    table[: len(dataset.palette)] = dataset.palette
    return table[labels.astype(np.uint8)]
