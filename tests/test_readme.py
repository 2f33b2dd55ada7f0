"""What the readme says of the published reports is what they say."""

import re
from pathlib import Path

import pandas as pd
import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope='module')
def claims():
    return pd.read_csv(ROOT / 'reports' / 'generated' / 'claims.csv')


def test_its_verdicts_are_the_published_ones(claims):
    text = ' '.join((ROOT / 'README.md').read_text().split())
    told = re.search(
        r'of (\d+) claims (\d+) are reproduced and (\d+) contradicted \((\w+) .*?, (\w+) .*?\), (\d+) looked', text
    )
    counts = claims['verdict'].value_counts()
    expected = [len(claims), *(counts[name] for name in ('reproduced', 'contradicted', 'inconclusive'))]
    whole, held, fell, counted, trained, still_open = told.groups()
    assert [int(number) for number in (whole, held, fell, still_open)] == expected
    decided = claims[claims['verdict'].isin(['reproduced', 'contradicted'])]
    without_runs = decided['method'].isin(['counted', 'arithmetic']).sum()
    numbers = [
        'none', 'one', 'two', 'three', 'four', 'five', 'six', 'seven', 'eight', 'nine', 'ten', 'eleven', 'twelve',
    ]  # fmt: skip
    assert (counted, trained) == (numbers[without_runs], numbers[len(decided) - without_runs])


def test_the_claims_that_the_reports_call_open_are_open(claims):
    text = ' '.join((ROOT / 'reports' / 'README.md').read_text().split())
    told = re.search(r'looked at and stay open \(([KVDSH0-9, ]+)\)', text)
    assert set(told[1].split(', ')) == set(claims.loc[claims['verdict'] == 'inconclusive', 'id'])


def test_what_the_reports_say_of_the_published_timings_is_so():
    timings = pd.read_csv(ROOT / 'reports' / 'generated' / 'timings.csv')
    text = ' '.join((ROOT / 'reports' / 'README.md').read_text().split())
    told = re.search(r'(\d+) of the (\d+) had not settled', text)
    assert [int(number) for number in told.groups()] == [(~timings['warmup_stable']).sum(), len(timings)]


def test_every_file_that_it_links_to_is_there():
    for page in (*ROOT.glob('*.md'), ROOT / 'reports' / 'README.md', *(ROOT / 'docs').glob('*.md')):
        for target in re.findall(r'\]\(([^)#]+)[^)]*\)', page.read_text()):
            if '://' not in target:
                assert (page.parent / target).exists(), f'{page.name}: {target}'
