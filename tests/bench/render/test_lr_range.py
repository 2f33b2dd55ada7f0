import io
from math import exp, log10

import pytest
from PIL import Image

from bench.render import gather, lr_range


def write(folder, points):
    lines = [f'{step},{rate!r},{loss!r}' for step, (rate, loss) in enumerate(points)]
    (folder / 'lr_range.csv').write_text('\n'.join(['step,lr,loss', *lines]) + '\n')


def falling(middle: float, count: int = 200) -> list[tuple[float, float]]:
    """A loss that falls as a logistic curve of log10(lr), steepest at ``middle``."""
    rates = [10 ** (-6 + 6 * index / (count - 1)) for index in range(count)]
    return [(rate, 2 / (1 + exp(4 * (log10(rate) - middle)))) for rate in rates]


@pytest.mark.parametrize('middle', [-4.0, -2.5])
def test_the_steepest_place_is_found(middle):
    assert log10(lr_range.steepest(falling(middle))) == pytest.approx(middle, abs=0.3)


def test_a_loss_that_only_rises_has_none():
    assert lr_range.steepest([(10.0**-k, 10.0 - k) for k in range(9, 0, -1)]) is None
    assert lr_range.steepest(falling(-3)[:2]) is None


def test_rows_that_are_not_whole_are_left_out(tmp_path):
    text = 'step,lr,loss\n0,1e-5,2\n1,1e-4,nan\n2,0,1\n3,,1\n4,x,1\n5,1e-3,1\n6,1e-2'
    (tmp_path / 'lr_range.csv').write_text(text)
    assert lr_range.read(tmp_path) == [(1e-5, 2.0), (1e-3, 1.0)]
    assert lr_range.read(tmp_path / 'nowhere') == []


def test_runs_with_a_range_test_are_drawn_and_others_are_not(runs, catalogue):
    rows = gather.rows(runs, catalogue)
    setting = gather.settings_of(rows)[0]
    assert lr_range.draw('toy', setting, rows) is None
    write(runs[0][0], falling(-3))
    first = lr_range.draw('toy', setting, rows)
    assert min(Image.open(io.BytesIO(first)).size) > 200
    write(runs[1][0], falling(-2))
    assert lr_range.draw('toy', setting, rows) != first
