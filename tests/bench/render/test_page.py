import re
from html.parser import HTMLParser

import pytest

from bench.render import document, page


class Elements(HTMLParser):
    def __init__(self):
        super().__init__()
        self.tags, self.links, self.text = [], [], []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.links += [value for name, value in attrs if name in ('src', 'href')]

    def handle_data(self, data):
        self.text.append(data)


@pytest.fixture
def made(runs, catalogue):
    return document.build(runs, catalogue)


def test_nothing_in_a_receipt_becomes_markup(made):
    html = Elements()
    html.feed(page.html(made))
    assert 'script' not in html.tags
    text = ' '.join(html.text)
    assert '<script>alert(2)</script> | `boom`' in text
    assert 'sky|<script>alert(1)</script>' in text
    markdown = page.markdown(made)
    assert '<script' not in markdown
    assert 'sky\\|&lt;script&gt;' in markdown


def test_the_page_needs_no_other_file_and_no_network_to_be_read(made):
    html = Elements()
    html.feed(page.html(made))
    assert 'link' not in html.tags
    assert html.tags.count('img') == len(made.pictures) > 2
    for link in html.links:
        assert re.match(r'data:image/|#|[\w/]+\.csv$', link), link


def test_every_experiment_is_shown_with_status_and_reason(made, catalogue):
    for text in (page.html(made), page.markdown(made)):
        for experiment in catalogue.experiments.values():
            assert experiment.name in text
        for words in ('not run', 'oom', 'Smoke is not evidence', 'never measured', '64.86'):
            assert words in text


def test_smoke_scores_are_grey_on_the_page(made):
    assert re.search(r'grey">3\.00<', page.html(made))
    assert not re.search(r'grey">42\.00<', page.html(made))


def test_a_page_without_runs_says_so(catalogue):
    empty = document.build([], catalogue)
    for text in (page.html(empty), page.markdown(empty)):
        assert 'No run has been stored yet' in text
        assert 'Smoke is not evidence' not in text


def test_markdown_tables_stand_apart(made):
    """A table without an empty line before it is read as text."""
    lines = page.markdown(made).splitlines()
    heads = [number for number, line in enumerate(lines[1:], 1) if re.fullmatch(r'\|[:|-]+\|', line)]
    assert len(heads) >= 4
    assert all(not lines[number - 2].strip() for number in heads)
