import pytest

from bench.render import cells


@pytest.mark.parametrize(
    ('text', 'expected'),
    [
        (cells.number(None), '—'),
        (cells.number(0.0), '0.00'),
        (cells.scaled(None, 1e9), '—'),
        (cells.scaled(10.1e9, 1e9), '10.10'),
        (cells.signed(0.761), '+0.76'),
        (cells.signed(-0.001), '0.00'),
        (cells.signed(None), '—'),
        (cells.milliseconds(None), '—'),
        (cells.milliseconds(1.234), '1.23'),
        (cells.milliseconds(41.26), '41.3'),
        (cells.milliseconds(9147.02), '9147'),
        (cells.duration(None), '—'),
        (cells.duration(4.24), '4.2 s'),
        (cells.duration(41.3), '41 s'),
        (cells.duration(192), '3.2 min'),
        (cells.duration(18360), '5.1 h'),
    ],
)
def test_numbers(text, expected):
    assert text == expected


@pytest.mark.parametrize(
    ('raw', 'shown'),
    [
        ('fcn_r50', 'fcn_r50'),
        ('_pole_', r'\_pole\_'),
        ('a | b', r'a \| b'),
        ('<script>&', '&lt;script&gt;&amp;'),
        ('two\nlines', 'two lines'),
        ('*b* `c` [d](e) \\', r'\*b\* \`c\` \[d\](e) \\'),
    ],
)
def test_markdown_shows_text_as_it_is(raw, shown):
    assert cells.markdown(raw) == shown
