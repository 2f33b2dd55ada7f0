"""The page as it is, policy and all, in a real browser."""

from urllib.parse import unquote

import pytest

PHONE = 390
"""Width in pixels."""


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
menu.value = 'reproduced';
menu.dispatchEvent(new Event('input'));
const budgets = section.querySelector('#claims-budget');
budgets.value = 'not reduced';
budgets.dispatchEvent(new Event('input'));
const whole = ids();
budgets.value = 'reduced';
budgets.dispatchEvent(new Event('input'));
const held = section.querySelector('tbody tr').textContent;
section.querySelector('tbody .number').click();
const dialog = document.getElementById('details');
const claim = { open: dialog.open, text: dialog.textContent, focus: document.activeElement.textContent };
section.querySelector('.runs .number').click();
const counts = data.claims.map((one) => one.answer);
return { everything, choices, fallen, whole, held, claim, counts, run: dialog.textContent,
  links: [...dialog.querySelectorAll('a')].map((link) => link.href) };
"""


def test_claims_are_filtered_and_open_their_evidence(browse):
    result = browse(FILTER)
    assert len(result['everything']) == 11
    assert result['choices'] == ['', *sorted(set(result['counts']))] == ['', 'contradicted', 'not judged', 'reproduced']
    assert result['fallen'] == ['A02']
    assert result['whole'] == [], 'what held was trained for less'
    assert '✓ reproduced (reduced budget)' in result['held'] and '4.50 points (95 %: 1.25 to 7.75)' in result['held']
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
    assert len([link for link in links if link.endswith('receipt.json')]) == 9
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
    page = browser.new_page()
    page.set_viewport_size({'width': 1200, 'height': 600})
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
const unsorted = all('thead th:not([aria-sort])').filter((one) => one.textContent !== 'Effect').length;
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


ORDER = """
const section = document.querySelector('[data-table="ranking-camvid-96x128-short-x0.1"]');
const header = [...section.querySelectorAll('thead button')].find((one) => one.textContent === 'Training time');
const place = [...header.closest('tr').children].indexOf(header.parentElement);
const times = () => [...section.querySelectorAll('tbody tr')].map((row) => row.children[place].textContent);
header.click();
const down = times();
header.click();
const claims = document.querySelector('#claims-body');
const effect = [...claims.querySelectorAll('thead th')].find((one) => one.textContent === 'Effect');
return { down, up: times(), effect: effect.querySelector('button'), sorted: effect.getAttribute('aria-sort') };
"""


def test_times_are_sorted_by_their_length_and_effects_of_all_kinds_not_at_all(browse):
    result = browse(ORDER)
    assert result['down'] == ['4.7 min', '2.1 min', '95 s'] == result['up'][::-1]
    assert result['effect'] is None and result['sorted'] is None
