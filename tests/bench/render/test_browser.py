"""The page as it is, policy and all, in a real browser."""

import dataclasses
import json
import shutil
from urllib.parse import unquote

import pytest

from bench import store as stores
from bench.render import write

playwright = pytest.importorskip('playwright.sync_api', reason='Playwright drives the browser')
BROWSER = next(filter(None, map(shutil.which, ('chromium', 'chromium-browser', 'google-chrome'))), None)
pytestmark = pytest.mark.skipif(BROWSER is None, reason='no Chromium on this machine')

CLAIMS = 8
"""Enough claims for a search box."""
WAIT_MS = 120_000
"""A machine that is busy with other things takes its time."""
DESK, PHONE = 1200, 390
"""Widths in pixels."""
HEIGHT = 20000
"""So many pixels that all of the page is in view, and filled."""
PLACES = '[data-table], #chooser-body, #claims-body, #models-body, #classes-body, #images-body'
"""What a script of the page fills when it comes into view."""


@pytest.fixture
def site(runs, catalogue, judged, receipt, store, timing, tmp_path):
    """A report beside its results, on which several models and claims can be told apart."""
    more = [store(receipt('toy/wide', 30.0 + seed, seed=seed)) for seed in (1, 2)]
    more += [store(receipt('toy/idle', 9.0, seed=3)), store(receipt('toy/idle', None, budget='full'))]
    claims = dict(catalogue.claims)
    claims |= {f'B{number:02}': dataclasses.replace(claims['A02'], id=f'B{number:02}') for number in range(CLAIMS)}
    out = tmp_path / 'results' / 'report'
    (out.parent / 'toy' / 'base' / 'cost-cpu-fp32-375x1242.json').write_text(json.dumps(timing('toy/base')))
    timings = stores.read_timings(out.parent)
    write.write_report([*runs, *more], dataclasses.replace(catalogue, claims=claims), out, timings, judged)
    return out


@pytest.fixture(scope='module')
def browser():
    with playwright.sync_playwright() as driver:
        started = driver.chromium.launch(executable_path=BROWSER, args=['--disable-gpu'], timeout=WAIT_MS)
        yield started
        started.close()


@pytest.fixture
def browse(site, browser):
    """A function that opens the page, waits until all of it is filled and returns what a script in it returns.

    Whatever is said on the console, fails to load, is thrown or asked with an alert fails the test.
    """
    opened = []

    def run(script: str, width: int = DESK):
        page = browser.new_page(viewport={'width': width, 'height': HEIGHT})
        opened.append(page)
        page.set_default_timeout(WAIT_MS)
        wrong = []
        page.on('console', lambda message: wrong.append(f'console: {message.text}'))
        page.on('pageerror', lambda error: wrong.append(f'error: {error}'))
        page.on('requestfailed', lambda request: wrong.append(f'not loaded: {request.url}'))
        page.on('dialog', lambda dialog: (wrong.append(f'asked: {dialog.message}'), dialog.dismiss()))
        page.goto((site / 'index.html').as_uri())
        # Asked from outside: the policy forbids a waiting script of our own.
        playwright.expect(page.locator(f':is({PLACES}):not(:has(*))')).to_have_count(0, timeout=WAIT_MS)
        result = page.evaluate(f'() => {{ const all = (query) => [...document.querySelectorAll(query)]; {script} }}')
        assert wrong == []
        return result

    yield run
    for page in opened:
        page.close()


def test_what_a_receipt_holds_is_shown_and_never_run(browse):
    text = browse("return document.querySelector('#chooser-body').textContent + document.body.innerHTML")
    assert 'models fit; the best is toy/base' in text
    assert text.count('&lt;script&gt;alert') > 0


def test_the_policy_stops_a_script_that_is_not_ours(browse):
    with pytest.raises(AssertionError, match='Content Security Policy'):
        browse(
            "const foreign = document.createElement('script'); foreign.text = 'ran = 1'; document.body.append(foreign)"
        )


SORT = """
const section = document.querySelector('#models-body');
const column = (place) => [...section.querySelectorAll('tbody tr')].map((row) => row.children[place].textContent);
const header = section.querySelectorAll('thead button')[2];
const before = column(2);
header.click();
const up = column(2), state = header.parentElement.getAttribute('aria-sort');
const search = section.querySelector('input[type=search]');
search.value = 'toy/base';
search.dispatchEvent(new Event('input'));
const found = column(0);
search.value = 'no such model';
search.dispatchEvent(new Event('input'));
return { before, up, state, found, none: column(0), count: section.querySelector('[role=status]').textContent };
"""


def test_the_model_table_is_sorted_and_searched(browse):
    result = browse(SORT)
    measured = [float(text) for text in result['before'] if text != '—']
    assert len(measured) > 3 and measured == sorted(measured, reverse=True)
    assert [text for text in result['up'] if text != '—'] == [f'{value:.2f}' for value in measured[::-1]]
    assert result['up'][-1] == '—', 'what was not measured comes last, whichever way'
    assert result['state'] == 'ascending'
    assert result['found'] == ['toy/base']
    assert result['none'] == [] and result['count'] == 'No row fits.'


FILTER = """
const section = document.querySelector('#claims-body');
const ids = () => [...section.querySelectorAll('tbody th')].map((cell) => cell.textContent);
const everything = ids();
const menu = section.querySelector('#claims-verdict');
const choices = [...menu.options].map((option) => option.value);
menu.value = 'contradicted';
menu.dispatchEvent(new Event('input'));
const fallen = ids();
menu.value = 'reduced budget: reproduced';
menu.dispatchEvent(new Event('input'));
const held = section.querySelector('tbody tr').textContent;
section.querySelector('tbody .number').click();
const dialog = document.getElementById('details');
const claim = { open: dialog.open, text: dialog.textContent, focus: document.activeElement.textContent };
section.querySelector('.runs .number').click();
return { everything, choices, fallen, held, claim, run: dialog.textContent,
  links: [...dialog.querySelectorAll('a')].map((link) => link.href) };
"""


def test_claims_are_filtered_and_open_their_evidence(browse):
    result = browse(FILTER)
    assert len(result['everything']) == 3 + CLAIMS
    assert result['choices'] == ['', 'contradicted', 'not judged', 'reduced budget: reproduced']
    assert result['fallen'] == ['A02']
    assert '✓ reduced budget: reproduced' in result['held'] and '4.50 points (95 %: 1.25 to 7.75)' in result['held']
    assert result['claim']['open'] and result['claim']['focus'] == 'Close'
    assert (
        '</script><script>alert(3)</script>' in result['claim']['text'] and 'One run each.' in result['claim']['text']
    )
    assert 'toy/base/camvid-96x128-short-seed0: ok, mIoU 40.00 %' in result['run']
    assert [link.rsplit('/', 1)[1] for link in result['links']] == [
        'receipt.json',
        'config.py',
        'curves.csv',
        'confusion.npz',
    ]


CHOOSE = """
const place = document.getElementById('chooser-body');
const answer = () => place.querySelector('.answer').textContent;
const before = answer();
const cell = (row, number) => row.children[number].textContent;
const first = [...place.querySelectorAll('tbody tr')].map((row) => [cell(row, 0), cell(row, 9)]);
const box = document.getElementById('chooser-latency');
box.value = '1';
box.dispatchEvent(new Event('input'));
const none = answer();
const slider = place.querySelector('input[type=range]');
slider.value = 100;
slider.dispatchEvent(new Event('input'));
const menu = document.getElementById('chooser-place');
menu.value = [...menu.options].findIndex((option) => option.textContent.includes('smoke'));
menu.dispatchEvent(new Event('input'));
return { before, first, none, after: answer(), places: [...menu.options].map((option) => option.textContent) };
"""


def test_the_chooser_ranks_what_fits(browse):
    result = browse(CHOOSE)
    best = '3 of 3 models fit; the best is toy/base with 42.00 % mIoU.'
    assert result['before'] == f'{best} 2 others are not told apart from it.'
    assert [name for name, _ in result['first']] == ['toy/base', 'toy/wide', 'toy/idle']
    assert [front[0] for _, front in result['first']] == ['◆', 'a', 'a'], 'all cost the same: only the best is in front'
    assert result['none'] == 'No measured model fits. Loosen a limit.'
    assert result['after'].endswith('These are smoke runs, which are no evidence.')
    assert 'smoke: no evidence' in result['places'][-1]


LINKS = """
for (const button of all('#models-body tbody th .number')) button.click();
const links = [];
for (const model of data.models) {
  openModel(model.key);
  links.push(...all('dialog a').map((a) => a.getAttribute('href')));
}
dialog.close();
const shown = [...all('a, img')].map((one) => one.getAttribute('href') || one.getAttribute('src'));
const claims = data.claims.map((one) => one.id);
const anchors = all('[id]').map((one) => one.id);
return { links: [...links, ...shown], claims, anchors, images: all('.gallery img').length };
"""


def test_every_link_leads_somewhere(browse, site):
    result = browse(LINKS)
    links = {link for link in result['links'] if not link.startswith('data:')}
    assert result['images'] == 3 * 5
    assert len([link for link in links if link.endswith('receipt.json')]) == 8
    for link in links:
        if link.startswith('#'):
            assert link[1:] in result['anchors'] or link[1:] in result['claims']
        else:
            assert (site / unquote(link)).exists(), link


OPENED = """
const heading = document.querySelector('.told a[href="#A01"]');
heading.click();
const first = dialog.open && dialog.textContent;
dialog.close();
heading.click();
return { first, again: dialog.open };
"""


def test_a_link_to_a_claim_opens_it_and_does_so_again(browse):
    result = browse(OPENED)
    assert 'A01: Base beats' in result['first']
    assert result['again']


def test_a_link_of_the_menu_leads_to_its_section_although_tables_fill_on_the_way(site, browser):
    page = browser.new_page(viewport={'width': DESK, 'height': 600})
    page.set_default_timeout(WAIT_MS)
    page.goto((site / 'index.html').as_uri())
    for name in ('models', 'toy', 'claims'):
        page.click(f'nav a[href="#{name}"]')
        page.wait_for_timeout(1000)
        at_end = page.evaluate('innerHeight + scrollY >= document.documentElement.scrollHeight - 2')
        assert at_end or abs(page.locator(f'#{name}').bounding_box()['y']) < 5, name
    page.close()


WIDTH = """
document.getElementById('theme').click();
const dark = getComputedStyle(document.body).backgroundColor;
document.getElementById('theme').click();
const unnamed = all('button, select, input').filter((one) => one.id !== 'theme' && !one.textContent.trim()
  && !one.getAttribute('aria-label') && !(one.labels && one.labels.length));
const light = getComputedStyle(document.body).backgroundColor;
const unsorted = all('thead th:not([aria-sort])').length;
return { page: document.documentElement.scrollWidth, window: innerWidth, dark, light, unsorted,
  unnamed: unnamed.map((one) => one.outerHTML), tables: all('table').length };
"""


COSTS = """
const section = document.querySelector('[data-table^=timings]');
plainTable(section);
return [...section.querySelectorAll('tbody th, tbody td')].map((cell) => {
  const link = cell.querySelector('a');
  return [cell.textContent, link && link.getAttribute('href')];
});
"""


def test_every_number_of_a_cost_table_leads_to_its_record(browse):
    result = browse(COSTS)
    numbers = [cell for cell in result if cell[0] != '—']
    assert len(numbers) > 8
    assert {link for _, link in numbers} == {'../toy/base/cost-cpu-fp32-375x1242.json'}


def test_a_phone_needs_no_sideways_scrolling_and_every_control_has_a_name(browse):
    result = browse(WIDTH, PHONE)
    assert result['page'] <= result['window'] == PHONE
    assert result['dark'] != result['light']
    assert result['unnamed'] == []
    assert result['tables'] > 4 and result['unsorted'] == 0


FRONT = """
const costs = ['latency', 'inference'];
const points = [];
let state = 7;
const next = (n) => { state = (state * 1103515245 + 12345) % 2147483648; return Math.floor(state / 65536) % n; };
for (let i = 0; i < 60; i++) points.push({ miou: next(9), latency: next(9), inference: next(5) ? next(9) : null });
return points.map((point) => [point.miou, point.latency, point.inference, onFront(point, points, costs)]);
"""


def test_the_front_is_what_no_other_model_beats(browse):
    """Against the definition, written out a second time; a cost that is not known is not compared."""
    points = browse(FRONT)

    def beats(other, point):
        known = [place for place in (1, 2) if point[place] is not None]
        if any(other[place] is None for place in known):
            return False
        gains = [other[0] - point[0]] + [point[place] - other[place] for place in known]
        return min(gains) >= 0 and max(gains) > 0

    fronts = [not any(beats(other, point) for other in points) for point in points]
    assert [point[3] for point in points] == fronts
    assert 0 < sum(fronts) < len(points)
