"""The page in a real browser: a copy of it with a test script that leaves what it saw in the document."""

import dataclasses
import html
import json
import re
import shutil
import subprocess
from urllib.parse import unquote

import pytest

from bench import store as stores
from bench.render import write

BROWSER = next(filter(None, map(shutil.which, ('chromium', 'chromium-browser', 'google-chrome'))), None)
pytestmark = pytest.mark.skipif(BROWSER is None, reason='no Chromium on this machine')

CATCH = """<script>window.failures = [];
window.addEventListener('error', (event) => window.failures.push(String(event.message || event.target.src)), true);
window.alert = () => window.failures.push('alert');</script>"""
CLAIMS = 8
"""Enough claims for a search box."""


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


@pytest.fixture
def browse(site, tmp_path):
    """A function that runs a script in the page and returns what it returns, with everything that went wrong."""

    def run(script: str, *options: str):
        text = (site / 'index.html').read_text()
        text = re.sub(r'<meta http-equiv="Content-Security-Policy".*?>', '', text)
        # Tables are filled when they are seen, which on a busy machine takes a browser a while.
        test = f"""<script>let polls = 0; const waiting = setInterval(() => {{
          const all = (query) => [...document.querySelectorAll(query)];
          const filled = ['#models-body', '#claims-body'].every((id) => all(id + ' tbody tr').length);
          if (polls++ < 15 || (!filled && polls < 550)) return;
          clearInterval(waiting);
          let result = null;
          try {{ result = (() => {{ {script} }})(); }} catch (error) {{ window.failures.push(String(error)); }}
          const told = document.createElement('pre');
          told.id = 'told';
          told.textContent = JSON.stringify({{ result, failures: window.failures }});
          document.body.append(told);
        }}, 100);</script>"""
        copy = site / 'test.html'
        copy.write_text(text.replace('<head>', '<head>' + CATCH, 1).replace('</body>', test + '</body>'))
        done = _chromium(copy, tmp_path, *options)
        found = re.search(r'<pre id="told">(.*?)</pre>', done.stdout, re.DOTALL)
        assert found, done.stderr[-2000:]
        told = json.loads(html.unescape(found[1]))
        told['console'] = re.findall(r'CONSOLE.*', done.stderr)
        return told

    return run


def _chromium(path, tmp_path, *options):
    command = [BROWSER, '--headless', '--no-sandbox', '--disable-gpu', '--disable-background-networking',
               f'--user-data-dir={tmp_path / "profile"}', '--enable-logging=stderr', '--virtual-time-budget=60000',
               '--window-size=1200,20000', *options, '--dump-dom', path.as_uri()]  # fmt: skip
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)


def test_the_page_as_it_is_runs_without_a_word_on_the_console(site, tmp_path):
    """With its policy in place: our script runs, and nothing that a receipt holds does."""
    done = _chromium(site / 'index.html', tmp_path)
    assert not re.findall(r'CONSOLE.*', done.stderr)
    assert 'models fit; the best is toy/base' in done.stdout
    assert done.stdout.count('&lt;script&gt;alert') > 0


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
    told = browse(SORT)
    assert told['failures'] == told['console'] == []
    result = told['result']
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
    told = browse(FILTER)
    assert told['failures'] == told['console'] == []
    result = told['result']
    assert len(result['everything']) == 3 + CLAIMS
    assert result['choices'] == ['', 'contradicted', 'not judged', 'reduced budget: reproduced']
    assert result['fallen'] == ['A02']
    assert '✓ reduced budget: reproduced' in result['held'] and '4.5 [1.25, 7.75] percent' in result['held']
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
const first = [...place.querySelectorAll('tbody tr')].map((row) => [cell(row, 0), cell(row, 7)]);
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
    told = browse(CHOOSE)
    assert told['failures'] == told['console'] == []
    result = told['result']
    assert result['before'] == '3 of 3 models fit; the best is toy/base with 42.00 % mIoU.'
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
return { links: [...links, ...shown], anchors: all('[id]').map((one) => one.id), images: all('.gallery img').length };
"""


def test_every_link_leads_somewhere(browse, site):
    told = browse(LINKS)
    assert told['failures'] == told['console'] == []
    links = {link for link in told['result']['links'] if not link.startswith('data:')}
    assert told['result']['images'] == 3 * 5
    assert len([link for link in links if link.endswith('receipt.json')]) == 8
    for link in links:
        if link.startswith('#'):
            assert link[1:] in told['result']['anchors']
        else:
            assert (site / unquote(link)).exists(), link


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
    told = browse(COSTS)
    assert told['failures'] == told['console'] == []
    numbers = [cell for cell in told['result'] if cell[0] != '—']
    assert len(numbers) > 8
    assert {link for _, link in numbers} == {'../toy/base/cost-cpu-fp32-375x1242.json'}


def test_a_phone_needs_no_sideways_scrolling_and_every_control_has_a_name(browse):
    told = browse(WIDTH, '--window-size=500,9000')
    assert told['failures'] == told['console'] == []
    result = told['result']
    assert result['page'] <= result['window'] <= 500
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
    told = browse(FRONT)
    assert told['failures'] == told['console'] == []
    points = told['result']

    def beats(other, point):
        known = [place for place in (1, 2) if point[place] is not None]
        if any(other[place] is None for place in known):
            return False
        gains = [other[0] - point[0]] + [point[place] - other[place] for place in known]
        return min(gains) >= 0 and max(gains) > 0

    fronts = [not any(beats(other, point) for other in points) for point in points]
    assert [point[3] for point in points] == fronts
    assert 0 < sum(fronts) < len(points)
