"""The text of one table cell. What was not measured is a dash, never a zero."""

import re

DASH = '—'
_MARKS = re.compile(r'([\\`*\[\]|])')
_EDGE_UNDERSCORE = re.compile(r'(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])')


def number(value: float | None, digits: int = 2) -> str:
    """Return ``value`` with ``digits`` decimals."""
    return DASH if value is None else f'{value:.{digits}f}'


def scaled(value: float | None, unit: float, digits: int = 2) -> str:
    """Return ``value / unit`` with ``digits`` decimals."""
    return DASH if value is None else f'{value / unit:.{digits}f}'


def signed(value: float | None, digits: int = 2) -> str:
    """Return ``value`` with its sign; what rounds to zero has none."""
    if value is None:
        return DASH
    text = f'{value:+.{digits}f}'
    return text[1:] if float(text) == 0 else text


def milliseconds(value: float | None) -> str:
    """Return ``value`` in three digits, or whole: no more of a time comes out again."""
    if value is None:
        return DASH
    return f'{value:.{2 if value < 10 else 1 if value < 100 else 0}f}'


def duration(seconds: float | None) -> str:
    """Return seconds in the unit that suits them: ``41 s``, ``3.2 min``, ``5.1 h``."""
    if seconds is None:
        return DASH
    if seconds < 100:
        return f'{seconds:.0f} s' if seconds >= 10 else f'{seconds:.1f} s'
    return f'{seconds / 60:.1f} min' if seconds < 6000 else f'{seconds / 3600:.1f} h'


def markdown(text: str) -> str:
    """Return ``text`` such that a Markdown table shows it as it is: nothing in it is markup, or ends the cell."""
    text = ' '.join(text.split())
    text = text.replace('&', '&amp;').replace('<', '&lt;').replace('>', '&gt;')
    text = _MARKS.sub(r'\\\1', text)
    return _EDGE_UNDERSCORE.sub(r'\\_', text)
