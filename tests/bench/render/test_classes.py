import io

import numpy as np
import pytest
from PIL import Image

from bench.render import classes, gather


@pytest.fixture
def rows(catalogue, runs):
    return gather.rows(runs, catalogue)


@pytest.mark.parametrize('draw', [classes.heat_map, classes.confusion])
def test_a_picture_depends_on_what_was_measured_alone(draw, rows, runs, catalogue):
    setting = gather.settings_of(rows)[0]
    first = draw(setting, rows)
    assert draw(setting, rows) == first
    assert min(Image.open(io.BytesIO(first)).size) > 150
    runs[0][1].metrics['per_class_iou'] = dict.fromkeys(runs[0][1].metrics['per_class_iou'], 1.0)
    np.savez(runs[0][0] / 'confusion.npz', test=np.arange(9).reshape(1, 3, 3))
    assert draw(setting, gather.rows(runs, catalogue)) != first


@pytest.mark.parametrize('draw', [classes.heat_map, classes.confusion])
def test_nothing_scored_is_no_picture(draw, rows, catalogue):
    assert draw(gather.settings_of(rows)[0], gather.rows([], catalogue)) is None


def test_matrices_of_other_classes_than_the_receipt_names_are_not_drawn(rows, runs):
    for folder, _ in runs:
        if (folder / 'confusion.npz').exists():
            np.savez(folder / 'confusion.npz', test=np.ones((1, 7, 7)))
    assert classes.confusion(gather.settings_of(rows)[0], rows) is None


def test_a_class_without_pixels_is_no_warning(rows, runs):
    stack = np.ones((1, 3, 3), np.int64)
    stack[:, 1] = 0
    np.savez(runs[0][0] / 'confusion.npz', test=stack)
    assert classes.confusion(gather.settings_of(rows)[0], rows)
