import io

import pytest

from bench.data_sets.advance import advancing, silent


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_a_log_gets_a_line_every_ten_seconds():
    times = iter([0, 4, 11, 11, 15, 21.5, 21.5])
    log = io.StringIO()
    with advancing('reading x', 40, stream=log, clock=lambda: next(times)) as advance:
        for _ in range(4):
            advance(10)
    assert log.getvalue() == 'reading x: 20 of 40\nreading x: 40 of 40\n'


def test_bytes_are_spelt_as_megabytes():
    times = iter([0, 11, 11])
    log = io.StringIO()
    with advancing('y', 2_000_000_000, in_bytes=True, stream=log, clock=lambda: next(times)) as advance:
        advance(1_500_000)
    assert log.getvalue() == 'y: 2 MB of 2,000 MB\n'


def test_a_short_job_leaves_no_line(capsys):
    with advancing('z', 1) as advance:
        advance(1)
    silent(1)
    assert capsys.readouterr() == ('', '')


def test_a_terminal_gets_a_bar():
    screen = Terminal()
    with advancing('reading x', 3, stream=screen) as advance:
        advance(3)
    assert 'reading x' in screen.getvalue()
    assert '3/3' in screen.getvalue()


def test_an_error_passes_through():
    with pytest.raises(ValueError, match='broken'), advancing('x', 1, stream=Terminal()):
        raise ValueError('broken')
