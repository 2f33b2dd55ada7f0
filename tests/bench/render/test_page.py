import dataclasses
import json
import re
from html.parser import HTMLParser

import pytest

from bench.claims import Verdict
from bench.render import document, page


class Elements(HTMLParser):
    """Tags, attributes and texts of a page; what stands in a script is kept apart."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.links, self.text, self.scripts, self.handlers = [], [], [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.links += [value for name, value in attrs if name in ('src', 'href')]
        self.handlers += [name for name, _ in attrs if name.startswith('on')]
        if tag == 'script':
            self.scripts.append('')

    def handle_data(self, data):
        if self.cdata_elem == 'script':
            self.scripts[-1] += data
        else:
            self.text.append(data)


@pytest.fixture
def made(runs, catalogue, judged):
    return document.build(runs, catalogue, (), judged)


@pytest.fixture
def parsed(made):
    return Elements(page.html(made))


@pytest.fixture
def data(parsed):
    return json.loads(parsed.scripts[0])


def test_nothing_in_a_receipt_or_a_claim_becomes_markup(made, parsed, data):
    assert parsed.tags.count('script') == 2, 'the data and the one script of the page'
    assert not parsed.handlers
    assert 'alert' not in parsed.scripts[1]
    assert '<script>alert(2)</script> | `boom`' in data['tables']['toy-accuracy']['rows'][1][-1]
    assert 'sky|<script>alert(1)</script>' in data['classes'][0]['names']
    assert data['claims'][0]['statement'] == 'Base beats </script><script>alert(3)</script> wide'
    markdown = page.markdown(made)
    assert '<script' not in markdown
    assert 'sky\\|&lt;script&gt;' in markdown


def test_the_policy_runs_our_script_and_no_other(parsed, made):
    import base64
    import hashlib

    digest = base64.b64encode(hashlib.sha256(parsed.scripts[1].encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}'" in page.html(made).replace('&#39;', "'").replace('&#43;', '+')


def test_the_page_needs_no_other_file_and_no_network_to_be_read(made, parsed):
    assert 'link' not in parsed.tags
    assert parsed.tags.count('img') == len(made.pictures) > 2
    for link in parsed.links:
        assert re.match(r'data:image/|#|[\w/]+\.(csv|md)$', link), link


def test_every_experiment_is_shown_with_status_and_reason(made, catalogue):
    for text in (page.html(made), page.markdown(made)):
        for experiment in catalogue.experiments.values():
            assert experiment.name in text
        for words in ('not run', 'oom', 'Smoke is not evidence', 'never measured', '64.86'):
            assert words in text


def test_smoke_scores_are_marked_for_the_script(data):
    table = data['tables']['toy-accuracy']
    place = table['columns'].index('mIoU (%)')
    assert table['scores'][place]
    assert {row[0]: mark for row, mark in zip(table['rows'], table['marks'], strict=True)} == {
        'base': 'ok',
        'wide': 'failed',
        'silent': 'smoke',
        'idle': 'absent',
    }


def test_the_summary_says_what_held_and_what_fell(parsed):
    text = ' '.join(' '.join(parsed.text).split())
    assert '3 claims: 1 reproduced, 1 contradicted, 1 not judged. 1 of these answers rest on trainings shorter' in text
    assert (
        text.index('What held') < text.index('A01 : Base beats') < text.index('What fell') < text.index('A02 : Base is')
    )
    held = 'mIoU of base minus wide: 4.50 points (95 %: 1.25 to 7.75), 2 seeds on camvid 96x128, short x0.1'
    assert held in text and f'{held}.' not in text


def test_the_summary_says_what_a_claim_came_to_elsewhere(runs, catalogue, judged):
    other = Verdict('A01', 'camvid 96x128, short x0.2', 'inconclusive', seeds=1)
    both = dataclasses.replace(judged, verdicts=(*judged.verdicts, other))
    text = page.html(document.build(runs, catalogue, (), both))
    assert 'on camvid 96x128, short x0.1. Elsewhere: inconclusive on short x0.2 (1 seed).' in text


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
