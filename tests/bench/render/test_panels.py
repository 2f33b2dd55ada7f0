import io

import numpy as np
import pytest
from PIL import Image

from bench.render import gather, panels


@pytest.fixture
def rows(catalogue, runs):
    return gather.rows(runs, catalogue)


@pytest.fixture
def setting(rows):
    return gather.settings_of(rows)[0]


def test_only_images_that_every_run_stored_whole_are_offered(setting, rows, runs, catalogue, receipt, store):
    assert panels.stems(setting, rows) == ['one', 'three', 'two']
    folder, _ = other = store(receipt('toy/wide', 30.0, seed=5))
    (folder / 'panels' / 'one_prediction.png').unlink()
    assert panels.stems(setting, gather.rows([*runs, other], catalogue)) == ['three', 'two']


def test_runs_without_panels_are_no_obstacle(setting, runs, catalogue, receipt, store):
    other = store(receipt('toy/idle', 30.0), panels=False)
    assert panels.stems(setting, gather.rows([*runs, other], catalogue)) == ['one', 'three', 'two']


def test_a_sheet_shows_image_truth_and_predictions(setting, rows):
    data = panels.sheet(setting, rows, 'one')
    pixels = np.asarray(Image.open(io.BytesIO(data)).convert('RGB')).reshape(-1, 3).astype(int)
    for colour in ((128, 64, 128), (70, 130, 180)):
        assert (np.abs(pixels - colour).max(axis=1) < 12).mean() > 0.05
    assert panels.sheet(setting, rows, 'one') == data
    assert panels.sheet(setting, rows, 'none') is None


def test_the_legend_comes_from_the_resolved_config(runs):
    legend = panels.read_legend(runs[0][0] / 'config.py')
    assert [name for name, _ in legend] == ['road', 'sky|<script>alert(1)</script>', '_pole_ $\\frac$', 'not labelled']
    assert legend[0][1] == pytest.approx((128 / 255, 64 / 255, 128 / 255))


@pytest.mark.parametrize('text', ['', 'test_dataloader = open("x")', 'test_dataloader = {}', 'not python ('])
def test_a_config_without_classes_gives_no_legend(tmp_path, text):
    (tmp_path / 'config.py').write_text(text)
    assert panels.read_legend(tmp_path / 'config.py') == []
    assert panels.read_legend(tmp_path / 'absent.py') == []


@pytest.mark.parametrize('black_is_a_class', [False, True])
def test_an_error_map_tells_right_wrong_and_unlabelled_apart(black_is_a_class):
    red, blue, black = (200, 0, 0), (0, 0, 200), (0, 0, 0)
    truth = np.array([[red, blue, black]], np.uint8)
    prediction = np.array([[red, red, red]], np.uint8)
    legend = [('sky', (0.0, 0.0, 0.0)), ('not labelled', (0.0, 0.0, 0.0))][not black_is_a_class :]
    right, wrong, last = panels.errors(truth, prediction, legend)[0].tolist()
    assert right == [128] * 3
    assert wrong == list(panels.WRONG)
    assert last == (list(panels.WRONG) if black_is_a_class else [255] * 3)


def test_maps_of_two_sizes_are_not_compared():
    truth = np.full((2, 3, 3), 9, np.uint8)
    assert (panels.errors(truth, truth[:1], []) == 128).all()
