from pathlib import Path

import numpy as np
import torch
from PIL import Image

from bench.records import DataSet
from bench.running import panels

DATASET = DataSet('d', Path(), ('a', 'b'), ((10, 20, 30), (200, 100, 50)), (64, 64), {})


def test_labels_become_the_palette_and_ignored_pixels_black():
    picture = panels.colour(np.array([[0, 1], [255, 1]]), DATASET)
    assert picture.tolist() == [[[10, 20, 30], [200, 100, 50]], [[0, 0, 0], [200, 100, 50]]]


def test_three_pictures_of_one_size_are_written(tmp_path):
    image = tmp_path / 'street.png'
    Image.new('RGB', (1300, 700)).save(image)
    labels = torch.zeros(350, 650, dtype=torch.long)
    panels.write(tmp_path / 'panels', str(image), labels, labels, DATASET)
    written = sorted((tmp_path / 'panels').iterdir())
    assert [path.name for path in written] == ['street_image.jpg', 'street_prediction.png', 'street_truth.png']
    assert {Image.open(path).size for path in written} == {(512, 276)}
