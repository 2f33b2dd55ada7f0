import multiprocessing
import os

import pytest

from bench import environment, forks
from bench.render import drawing, pictures, write


@pytest.fixture
def two_processors(monkeypatch):
    monkeypatch.setattr(environment, 'usable_cpus', lambda: 2)
    if not forks.may_share_work():
        pytest.skip('this process cannot be forked here')


@pytest.fixture
def drawers(monkeypatch, tmp_path):
    """A function that returns the processes that drew, each once."""
    draw, note = pictures.draw, tmp_path / 'drawers'

    def noted(*arguments):
        with note.open('a') as out:
            out.write(f'{os.getpid()}\n')
        return draw(*arguments)

    monkeypatch.setattr(pictures, 'draw', noted)
    return lambda: {int(line) for line in note.read_text().split()}


def test_pictures_drawn_beside_are_those_drawn_here(runs, catalogue, two_processors, drawers):
    with drawing.beside(runs, catalogue) as wait:
        drawn = wait()
    assert os.getpid() not in drawers()
    assert any(drawn.rankings.values())
    assert any(drawn.sections.values())
    assert drawn == drawing.draw(runs, catalogue)


def test_one_processor_draws_in_one_process(runs, catalogue, monkeypatch, drawers):
    monkeypatch.setattr(environment, 'usable_cpus', lambda: 1)
    with drawing.beside(runs, catalogue) as wait:
        assert multiprocessing.active_children() == []
        assert any(wait().rankings.values())
    assert drawers() == {os.getpid()}


def test_an_error_in_a_figure_is_raised_as_in_one_process(runs, catalogue, two_processors, monkeypatch):
    def broken(*_):
        raise ValueError('no such colour: 7')

    monkeypatch.setattr(pictures, 'draw', broken)
    with pytest.raises(ValueError, match='no such colour: 7'), drawing.beside(runs, catalogue) as wait:
        wait()
    assert multiprocessing.active_children() == []


def test_pictures_of_a_process_that_was_killed_are_drawn_again(runs, catalogue, two_processors):
    with drawing.beside(runs, catalogue) as wait:
        [child] = multiprocessing.active_children()
        child.kill()
        child.join()
        assert wait() == drawing.draw(runs, catalogue)


@pytest.mark.parametrize('stop', [KeyboardInterrupt, ValueError])
def test_what_stops_the_judging_leaves_no_process_behind(runs, catalogue, two_processors, stop):
    with pytest.raises(stop), drawing.beside(runs, catalogue):
        assert len(multiprocessing.active_children()) == 1
        raise stop
    assert multiprocessing.active_children() == []


def test_a_report_is_the_same_with_one_processor_and_with_two(runs, catalogue, judged, monkeypatch, tmp_path):
    for count in (1, 2):
        monkeypatch.setattr(environment, 'usable_cpus', lambda count=count: count)
        write.refresh(runs, catalogue, tmp_path / str(count), (), lambda: judged)
    one, two = (
        {path.name: path.read_bytes() for path in (tmp_path / count).rglob('*') if path.is_file()} for count in '12'
    )
    assert one == two
    assert any(name.endswith('.png') for name in one)
