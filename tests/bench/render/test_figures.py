import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bench.render import figures, gather


@pytest.fixture
def rows(catalogue, runs):
    return gather.rows(runs, catalogue)


@pytest.fixture
def setting(rows):
    return gather.settings_of(rows)[0]


def draw(name, setting, rows):
    own = {'training_curves': ('toy', setting, rows)}
    return getattr(figures, name)(*own.get(name, (setting, rows)))


NAMES = ['training_curves', 'miou_bars']


@pytest.mark.parametrize('name', NAMES)
def test_a_figure_is_a_picture_whose_bytes_depend_on_the_rows_alone(name, setting, rows):
    first = draw(name, setting, rows)
    assert draw(name, setting, rows) == first
    picture = Image.open(io.BytesIO(first))
    assert 'Software' not in picture.info
    assert min(picture.size) > 200
    assert np.asarray(picture.convert('L')).std() > 5


@pytest.mark.parametrize('name', NAMES)
def test_a_figure_changes_with_what_was_measured(name, setting, rows, catalogue, runs, receipt, store):
    before = draw(name, setting, rows)
    more = gather.rows([*runs, store(receipt('toy/idle', 50.0))], catalogue)
    assert draw(name, setting, more) != before


@pytest.mark.parametrize('name', NAMES)
def test_without_runs_there_is_no_figure(name, setting, catalogue):
    assert draw(name, setting, gather.rows([], catalogue)) is None


def test_failed_runs_are_not_drawn_as_zero(setting, rows):
    without = [row for row in rows if row.name != 'wide']
    assert figures.miou_bars(setting, rows) == figures.miou_bars(setting, without)


def test_a_run_without_a_curve_is_left_out(catalogue, receipt):
    run = receipt('toy/base', run_cost=None)
    rows = gather.rows([(Path('nowhere'), run)], catalogue)
    setting = gather.setting_of(run)
    assert figures.training_curves('toy', setting, rows) is None


@pytest.mark.parametrize('name', NAMES)
def test_a_dollar_sign_in_a_name_is_no_formula(name, catalogue, receipt, store):
    run = store(receipt('toy/base', dataset='$\\frac$'))
    assert draw(name, gather.setting_of(run[1]), gather.rows([run], catalogue))


def test_neighbouring_lines_look_different():
    styles = [figures.line_style(index) for index in range(28)]
    assert len({tuple(style.values()) for style in styles}) == 28


@pytest.mark.filterwarnings('error')
def test_a_name_without_end_leaves_room_for_the_bars(catalogue, receipt):
    long = f'own/{"a_very_long_name_" * 8}last'
    rows = gather.rows([(Path('x'), receipt(long, 40.0))], catalogue)
    [setting] = gather.settings_of(rows)
    assert figures.miou_bars(setting, rows)
    shown = figures.shortened(long)
    assert (len(shown), shown[:4], shown[-4:]) == (figures.NAME, 'own/', 'last')
    assert figures.shortened('own/net') == 'own/net'


def test_letters_that_the_first_font_lacks_come_from_those_that_are_there(monkeypatch):
    monkeypatch.setattr(
        figures.font_manager, 'get_font_names', lambda: ['Malgun Gothic', 'DejaVu Sans', 'Comic Sans MS']
    )
    assert figures.fonts() == ['DejaVu Sans', 'Malgun Gothic']
    monkeypatch.setattr(figures.font_manager, 'get_font_names', lambda: [])
    assert figures.fonts() == ['DejaVu Sans']


@pytest.mark.skipif(
    not {'Noto Sans CJK SC', 'WenQuanYi Micro Hei', 'WenQuanYi Zen Hei'} & set(figures.FONTS),
    reason='no font for Chinese is installed',
)
def test_names_in_other_scripts_are_drawn(recwarn):
    with figures.rc_context(figures.STYLE):
        figure = figures.Figure()
        figure.suptitle('road 道路')
        figures.FigureCanvasAgg(figure).draw()
    assert not [one for one in recwarn if 'missing' in str(one.message)]
